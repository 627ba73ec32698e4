"""The zones of the simulated city: a grid, with weights, neighbours and polygons.

A1 B1 C1 …        column A lies in the west, row 1 in the north
A2 B2 C2 …
"""

import math
from typing import Any, Final

from streams.sources.simulation.config import Config
from streams.sources.simulation.draws import Uniform, cumulative, factor_draw, normal_quantiles, pick, stream
from streams.sources.simulation.figures import TYPE_SIGMA, ZONE_SIGMA
from streams.sources.simulation.profiles import PROFILES

WEST, NORTH = -40.0, 35.0  # in the middle of the Atlantic: nobody lives there
SIDE: Final = 0.02  # degrees: about 2 km
INSET: Final = 0.05  # points keep this share of a side away from borders


class City:
    """Zones by index and by name, and how calls of each kind are spread over them."""

    def __init__(self, config: Config) -> None:
        """Lay the city of this seed out."""
        self.columns, self.rows = config.columns, config.rows
        self.zones = tuple(
            f"{chr(ord('A') + column)}{row + 1}"
            for row in range(config.rows)
            for column in range(config.columns)
        )
        self.neighbours = tuple(self._next_to(index) for index in range(len(self.zones)))
        uniform = stream(config.seed, "city").random
        weights = self._weights(uniform)
        tilt = factor_draw(uniform, math.expm1(TYPE_SIGMA**2))
        spread = [[weight * tilt() for weight in weights] for _ in PROFILES]
        self.shares = tuple(tuple(value / sum(row) for value in row) for row in spread)  # [profile][zone]

    def index(self, zone: str) -> int:
        """Index of a zone by name.

        Raises:
            ValueError: there is no such zone.
        """
        if zone not in self.zones:
            msg = f"zone {zone} is not in the city; its zones are {self.zones[0]} to {self.zones[-1]}"
            raise ValueError(msg)
        return self.zones.index(zone)

    def neighbour_map(self) -> dict[str, tuple[str, ...]]:
        """Zone → the zones it shares a side with."""
        return {
            zone: tuple(self.zones[other] for other in self.neighbours[index])
            for index, zone in enumerate(self.zones)
        }

    def geojson(self) -> dict[str, Any]:
        """The zones as polygons (lon, lat; counter-clockwise), property `name`."""
        features = []
        for index, zone in enumerate(self.zones):
            west, north = self._corner(index)
            east, south = west + SIDE, north - SIDE
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            features.append(
                {
                    "type": "Feature",
                    "properties": {"name": zone},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                }
            )
        return {"type": "FeatureCollection", "features": features}

    def point(self, zone: int, uniform: Uniform) -> tuple[float, float]:
        """(lat, lon) of a place within a zone, not on its border."""
        west, north = self._corner(zone)
        down, along = (INSET + (1 - 2 * INSET) * uniform() for _ in range(2))
        return round(north - SIDE * down, 6), round(west + SIDE * along, 6)

    def cluster(self, uniform: Uniform, size: int) -> tuple[int, ...]:
        """Connected zones, as many as asked for (or all there are)."""
        start = int(uniform() * len(self.zones))
        chosen = [start]
        while len(chosen) < min(size, len(self.zones)):
            border = sorted({near for zone in chosen for near in self.neighbours[zone]} - set(chosen))
            chosen.append(border[pick(uniform, cumulative([1.0] * len(border)))])
        return tuple(sorted(chosen))

    def _corner(self, zone: int) -> tuple[float, float]:
        row, column = divmod(zone, self.columns)
        return round(WEST + SIDE * column, 6), round(NORTH - SIDE * row, 6)

    def _next_to(self, zone: int) -> tuple[int, ...]:
        row, column = divmod(zone, self.columns)
        steps = ((-1, 0), (0, -1), (0, 1), (1, 0))
        near = [(row + down, column + right) for down, right in steps]
        return tuple(r * self.columns + c for r, c in near if 0 <= r < self.rows and 0 <= c < self.columns)

    def _weights(self, uniform: Uniform) -> list[float]:
        """Lognormal weights, the greater ones nearer to the middle."""
        middle = ((self.rows - 1) / 2, (self.columns - 1) / 2)
        far = [
            math.dist(divmod(zone, self.columns), middle) + 2.0 * uniform() for zone in range(len(self.zones))
        ]
        order = sorted(range(len(self.zones)), key=lambda zone: (-far[zone], zone))
        quantiles = normal_quantiles()
        weights = [0.0] * len(self.zones)
        for place, zone in enumerate(order):
            step = int((place + 0.5) / len(order) * len(quantiles))
            weights[zone] = math.exp(ZONE_SIGMA * quantiles[step])
        return weights
