"""Who is sent, and what each unit reports: dispatched, en route, on scene, transporting, at hospital, available.

Units are staffed so that their utilisation is near `figures.UTILISATION`; the one that has been free for longest
goes. When none is free the call waits: calls holding come about by themselves.

    received ──processing──▶ dispatched ──turnout──▶ en route ──travel──▶ on scene ──▶ … ──▶ available
"""

import math
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from schemas.events import Dispatch
from schemas.vocabulary import Agency, UnitStatus
from streams.sources.simulation import figures
from streams.sources.simulation.config import Config
from streams.sources.simulation.draws import duration_draw, stream
from streams.sources.simulation.profiles import PROFILES

PREFIX: Final = {Agency.POLICE: "P", Agency.FIRE: "E", Agency.EMS: "M"}
PEAK: Final = 1.5  # the busiest hours against the mean: staffing follows them
LEAST_UNITS: Final = 12  # of each agency, so that a full alarm of a small city finds its engines
DISPATCHED, ACKNOWLEDGED, EN_ROUTE = UnitStatus.DISPATCHED, UnitStatus.ACKNOWLEDGED, UnitStatus.EN_ROUTE
ON_SCENE, TRANSPORTING, AT_HOSPITAL = UnitStatus.ON_SCENE, UnitStatus.TRANSPORTING, UnitStatus.AT_HOSPITAL
AVAILABLE, CANCELLED = UnitStatus.AVAILABLE, UnitStatus.CANCELLED
Fact = tuple[int, UnitStatus]


class Job(NamedTuple):
    """What units are told of a call."""

    incident_id: str
    zone: str | None
    priority: str
    received_at: int | None  # None: nobody called, an officer came upon it
    ready_at: int  # when the call can be given to a unit
    crew: tuple[Agency, ...]
    cut_at: int | None  # when the call turns out to need nobody


class Response(NamedTuple):
    """How the units answered."""

    dispatched_at: int | None  # None: cut before any unit was free
    on_scene_at: int | None
    clear_at: int
    facts: list[Dispatch]


class Fleet:
    """All units of the city."""

    def __init__(self, config: Config) -> None:
        """Staff the city for its calls."""
        self._jurisdiction = config.jurisdiction
        uniform = self._uniform = stream(config.seed, "units").random
        self._free: dict[Agency, list[tuple[int, str]]] = {}
        for agency, number in staffing(config.incidents_per_day).items():
            self._free[agency] = [(0, f"{PREFIX[agency]}{unit:02d}") for unit in range(1, number + 1)]
            heapify(self._free[agency])
        self._turnout = {who: duration_draw(uniform, spread) for who, spread in figures.TURNOUT.items()}
        self._travel = {who: duration_draw(uniform, spread) for who, spread in figures.TRAVEL.items()}
        self._work = {who: duration_draw(uniform, spread) for who, spread in figures.ON_SCENE.items()}
        self._stagger = duration_draw(uniform, figures.STAGGER)
        self._turned_back = duration_draw(uniform, figures.TURNED_BACK)
        self._to_transport = duration_draw(uniform, figures.TO_TRANSPORT)
        self._to_hospital = duration_draw(uniform, figures.TO_HOSPITAL)
        self._at_hospital = duration_draw(uniform, figures.AT_HOSPITAL)

    def answer(self, job: Job) -> Response:
        """Send the crew of a call, and say all that its units report."""
        dispatched_at = on_scene_at = None
        clear_at = job.ready_at
        facts: list[Dispatch] = []
        for place, agency in enumerate(job.crew):
            free_at, unit = heappop(self._free[agency])
            ready_at = job.ready_at
            if place and self._uniform() >= figures.SAME_TIME:
                ready_at += self._stagger()
            told = self._sent(job, agency, max(ready_at, free_at), place > 0)
            if not told:
                heappush(self._free[agency], (free_at, unit))
                continue
            heappush(self._free[agency], (told[-1][0], unit))
            clear_at = max(clear_at, told[-1][0])
            dispatched_at = told[0][0] if dispatched_at is None else min(dispatched_at, told[0][0])
            for at, status in told:
                if status is ON_SCENE and (on_scene_at is None or at < on_scene_at):
                    on_scene_at = at
            facts += self._facts(job, agency, unit, told)
        return Response(dispatched_at, on_scene_at, clear_at, facts)

    def find(self, job: Job) -> Response:
        """An officer came upon it: on scene from the start, and nobody was called."""
        free_at, unit = heappop(self._free[Agency.POLICE])
        clear_at = job.ready_at + self._work[Agency.POLICE]()
        heappush(self._free[Agency.POLICE], (max(free_at, clear_at), unit))
        told = [(job.ready_at, ON_SCENE), (clear_at, AVAILABLE)]
        return Response(None, job.ready_at, clear_at, list(self._facts(job, Agency.POLICE, unit, told)))

    def _sent(self, job: Job, agency: Agency, dispatched_at: int, further: bool) -> list[Fact]:
        """The times of one unit, [] when the call is over before it can be sent."""
        uniform = self._uniform
        cut_at = job.cut_at
        if cut_at is not None and dispatched_at >= cut_at:
            return []
        en_route_at = dispatched_at + self._turnout[agency]()
        on_scene_at = en_route_at + self._travel[agency, job.priority]()
        told = [(dispatched_at, DISPATCHED), (en_route_at, EN_ROUTE)]
        if agency is Agency.POLICE:
            told.insert(1, (dispatched_at + (en_route_at - dispatched_at) // 2, ACKNOWLEDGED))
        if further and uniform() < figures.NEVER_ARRIVES[agency]:
            back_at = min(on_scene_at - 1, dispatched_at + self._turned_back())
            cut_at = back_at if cut_at is None else min(cut_at, back_at)
        if cut_at is not None and cut_at < on_scene_at:
            return [
                *((at, status) for at, status in told if at < cut_at),
                (cut_at, CANCELLED),
                (cut_at + 1_000, AVAILABLE),
            ]
        told.append((on_scene_at, ON_SCENE))
        if agency is Agency.EMS and uniform() < figures.TRANSPORTS:
            leaves_at = on_scene_at + self._to_transport()
            arrives_at = leaves_at + self._to_hospital()
            told += [(leaves_at, TRANSPORTING), (arrives_at, AT_HOSPITAL)]
            told.append((arrives_at + self._at_hospital(), AVAILABLE))
        else:
            told.append((on_scene_at + self._work[agency](), AVAILABLE))
        return told

    def _facts(self, job: Job, agency: Agency, unit: str, told: list[Fact]) -> Iterator[Dispatch]:
        """What the unit publishes: now and then a button is not pressed, or pressed by a clock that is wrong."""
        incident_id, zone, priority, received_at = job[:4]
        jurisdiction = self._jurisdiction
        for at, status in told:
            said_at = at
            if status is EN_ROUTE and self._uniform() < figures.BUTTON_MISSED:
                continue
            if status is ON_SCENE and received_at is not None and self._uniform() < figures.NEGATIVE:
                said_at = told[0][0] - 1_000
            yield Dispatch(
                incident_id, jurisdiction, unit, agency, status, said_at, at, received_at, priority, zone
            )


def staffing(incidents_per_day: float) -> dict[Agency, int]:
    """Units of each agency for this many incidents a day."""
    work_s = dict.fromkeys(PREFIX, 0.0)  # committed seconds a day
    for profile in PROFILES:
        whole = sum(weight for weight, _ in profile.answer.crews)
        for weight, crew in profile.answer.crews:
            for agency in crew:
                calls = incidents_per_day * profile.share * (1 - profile.report.online) * weight / whole
                work_s[agency] += calls * figures.COMMITTED_S[agency]
    return {
        agency: max(LEAST_UNITS, math.ceil(PEAK * seconds / 86_400 / figures.UTILISATION))
        for agency, seconds in work_s.items()
    }
