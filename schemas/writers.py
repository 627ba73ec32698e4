"""Writers of the records of which there are many: equal to `schemas.codec.encode_record`, at a fraction of its cost."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from schemas.codec import to_json
from schemas.emissions import Outgoing


class CountsWriter:
    """Writes `WindowCounts` of one jurisdiction, the commonest record by far, from parts made once per cell and tick.

    Equal to `encode_record` byte for byte, at a tenth of its cost.
    """

    def __init__(self, jurisdiction: str, windows: Iterable[str]) -> None:
        """`windows`: their names, in the order of the numbers."""
        names = (to_json(name).replace(b"%", b"%%") for name in windows)
        self._counts = b",".join(name + b":%d" for name in names)
        self._heads = _Heads(jurisdiction)

    def write(
        self,
        topic: str,
        at: str,
        changed: Iterable[tuple[tuple[str, ...], tuple[int, ...]]],
        revision: int,
    ) -> list[Outgoing]:
        """The records of cells with their numbers at a tick, `at` as RFC 3339."""
        tail = b'"at":"%b","counts":{' % at.encode() + self._counts + b'},"revision":%d}' % revision
        heads = self._heads
        return [
            _outgoing((topic, (head := heads[cell])[0], head[1] + tail % numbers, (), None))
            for cell, numbers in changed
        ]


class _Heads(dict[tuple[str, ...], tuple[bytes, bytes]]):
    """Cell → (key of its records, how their JSON begins), made when first asked for."""

    def __init__(self, jurisdiction: str) -> None:
        super().__init__()
        self._jurisdiction = jurisdiction

    def __missing__(self, cell: tuple[str, ...]) -> tuple[bytes, bytes]:
        zone, crime_type = cell
        said = {"jurisdiction": self._jurisdiction, "zone": zone, "crime_type": crime_type}
        head = self[cell] = (
            f"{self._jurisdiction}|{zone}|{crime_type}".encode(),
            to_json(said)[:-1] + b",",
        )
        return head


_outgoing: Callable[[tuple[Any, ...]], Outgoing] = partial(tuple.__new__, Outgoing)
"""An `Outgoing` of all its fields, without the call of a Python function that a NamedTuple makes: half the cost."""
