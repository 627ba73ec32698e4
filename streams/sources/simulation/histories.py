"""What is said of a call, message by message: received, pending, dispatched, on scene, closed, and every correction.

A later message says only what is new (`Corrections.partial`), or repeats the whole record, as systems do. Every
history ends: its last status is `closed`, which says nothing about counting, so a cancelled call stays cancelled.
"""

from enum import Enum, auto
from operator import itemgetter
from typing import Final, NamedTuple

from schemas.events import Dispatch, Incident
from schemas.vocabulary import Agency, CallSource, IncidentStatus
from streams.sources.simulation import figures
from streams.sources.simulation.arrivals import Call
from streams.sources.simulation.cases import DESK_SOURCES, Case, CaseBook
from streams.sources.simulation.city import City
from streams.sources.simulation.config import Config
from streams.sources.simulation.draws import Spread, cumulative, duration_draw, pick, stream
from streams.sources.simulation.profiles import CRIME_TYPES, PROFILES
from streams.sources.simulation.units import Fleet, Job, Response

CANCELLED_AFTER: Final = Spread(240, 0.8)  # assumed: from the entry of a call to its cancellation
MERGED_AFTER: Final = Spread(60, 0.8)  # assumed
REOPENED_AFTER: Final = Spread(1_800, 1.0)  # assumed: after it was closed or cancelled
DESK: Final = Spread(1_200, 1.0)  # assumed: time over a report at a desk
TYPED: Final = Spread(10, 0.6)  # assumed: how long it takes to enter something
WAITS_MS: Final = 30_000  # a call that waits longer than this for a unit is published as pending

S = IncidentStatus
Beat = tuple[int, IncidentStatus]


class History(NamedTuple):
    """All that is published of one call, in order of the publishers' time."""

    lead: Agency  # whose system publishes the incident
    said: list[Incident]
    facts: list[Dispatch]


class Fate(Enum):
    """What becomes of a call."""

    USUAL = auto()
    CANCELLED = auto()
    MERGED = auto()
    UNFOUNDED = auto()
    REOPENED = auto()
    REVIVED = auto()  # cancelled, then opened again
    RECLASSIFIED = auto()
    MOVED = auto()


FATES: Final = tuple(Fate)
CUT_SHORT: Final = {Fate.CANCELLED: S.CANCELLED, Fate.MERGED: S.MERGED, Fate.REVIVED: S.CANCELLED}


class Histories:
    """The dispatch centre: turns calls, in order, into what is published of them."""

    def __init__(self, config: Config, city: City) -> None:
        """Staff the centre and the fleet."""
        self._end_ms, self._rates = config.end_ms, config.corrections
        self._fleet, self._book = Fleet(config), CaseBook(config, city)
        uniform = self._uniform = stream(config.seed, "histories").random
        self._crews = [cumulative([weight for weight, _ in profile.answer.crews]) for profile in PROFILES]
        self._processing = {who: duration_draw(uniform, spread) for who, spread in figures.PROCESSING.items()}
        spreads = (
            figures.HOLD,
            CANCELLED_AFTER,
            MERGED_AFTER,
            REOPENED_AFTER,
            DESK,
            TYPED,
            figures.SUPPLEMENT,
        )
        draws = [duration_draw(uniform, spread) for spread in spreads]
        (
            self._hold,
            self._cancelled,
            self._merged,
            self._reopened,
            self._desk,
            self._typed,
            self._supplement,
        ) = draws
        rates, half = config.corrections, config.corrections.reopened / 2
        weights = (
            rates.cancelled,
            rates.merged,
            rates.unfounded,
            half,
            half,
            rates.reclassified,
            rates.moved,
        )
        self._fates = cumulative((1 - sum(weights), *weights))

    def of(self, call: Call) -> History:
        """The history of one call."""
        case = self._book.open(call)
        if case.source is CallSource.OFFICER:
            return self._found(case, call)
        if case.source in DESK_SOURCES:
            entered_at = call.received_at + self._typed()
            closed_at = entered_at + self._desk()
            said = [case.whole(entered_at, S.RECEIVED), self._later(case, closed_at, S.CLOSED)]
            return History(case.lead, said + self._supplements(case, call, closed_at), [])
        return self._called(case, call)

    def _found(self, case: Case, call: Call) -> History:
        """An officer came upon it, or made it: on scene from the start."""
        job = Job(case.incident_id, case.zone, case.priority, None, call.received_at, (), None)
        response = self._fleet.find(job)
        entered_at = call.received_at + self._typed()
        closed_at = max(response.clear_at, entered_at) + self._typed()
        said = [case.whole(entered_at, S.ON_SCENE), self._later(case, closed_at, S.CLOSED)]
        return History(case.lead, said + self._supplements(case, call, closed_at), response.facts)

    def _called(self, case: Case, call: Call) -> History:
        """Somebody calls, and units are sent."""
        fate = FATES[pick(self._uniform, self._fates)]
        processing = self._processing[case.priority]()
        entered_at = call.received_at + int(processing * figures.ENTRY_SHARE)
        ready_at = call.received_at + processing
        if case.lead is Agency.POLICE and self._uniform() < figures.HOLDING[case.priority]:
            ready_at += self._hold()
        cut_at = None
        if fate in CUT_SHORT:
            cut_at = entered_at + 1 + (self._merged() if fate is Fate.MERGED else self._cancelled())
        crews, sums = PROFILES[call.profile].answer.crews, self._crews[call.profile]
        crew = crews[pick(self._uniform, sums)][1]
        job = Job(case.incident_id, case.zone, case.priority, call.received_at, ready_at, crew, cut_at)
        response = self._fleet.answer(job)
        beats = self._beats(fate, response, entered_at, cut_at)
        said = [case.whole(entered_at, S.RECEIVED)]
        for at, status in sorted(beats, key=itemgetter(0)):
            if status is S.MOVED:
                self._book.elsewhere(case, call)
            elif status is S.RECLASSIFIED:
                case.crime_type = PROFILES[call.profile].becomes or case.crime_type
            said.append(self._later(case, at, status))
        if fate is Fate.USUAL:
            said += self._supplements(case, call, said[-1].updated_at)
        return History(case.lead, said, response.facts)

    def _beats(self, fate: Fate, response: Response, entered_at: int, cut_at: int | None) -> list[Beat]:
        """When the incident changes its status, after it was entered."""
        dispatched_at, on_scene_at, clear_at, _ = response
        beats: list[Beat] = []
        if (dispatched_at or cut_at or clear_at) - entered_at > 2 * WAITS_MS:
            beats.append((entered_at + WAITS_MS, S.PENDING))
        if dispatched_at is not None:
            beats.append((dispatched_at, S.DISPATCHED))
        if on_scene_at is not None:
            beats.append((on_scene_at, S.ON_SCENE))
        beats += self._turns(fate, response, entered_at, cut_at)
        last_at = max([clear_at, *(at for at, _ in beats)]) + 1 + self._typed()
        beats.append((last_at, S.CLOSED))
        if fate is Fate.REOPENED:
            again_at = last_at + self._reopened()
            beats += [(again_at, S.REOPENED), (again_at + self._desk(), S.CLOSED)]
        return beats

    def _turns(self, fate: Fate, response: Response, entered_at: int, cut_at: int | None) -> list[Beat]:
        """The corrections among the beats."""
        if cut_at is not None:
            beats = [(cut_at, CUT_SHORT[fate])]
            return [*beats, (cut_at + self._reopened(), S.REOPENED)] if fate is Fate.REVIVED else beats
        here_at = entered_at if response.on_scene_at is None else response.on_scene_at
        if fate is Fate.UNFOUNDED:
            return [(max(here_at, response.clear_at - 1_000) + 1, S.UNFOUNDED)]
        if fate in (Fate.RECLASSIFIED, Fate.MOVED):
            at = entered_at + 1 + int(self._uniform() * (response.clear_at - entered_at))
            return [(at, S.MOVED if fate is Fate.MOVED else S.RECLASSIFIED)]
        return []

    def _later(self, case: Case, at: int, status: IncidentStatus) -> Incident:
        return case.part(at, status) if self._uniform() < self._rates.partial else case.whole(at, status)

    def _supplements(self, case: Case, call: Call, closed_at: int) -> list[Incident]:
        """A report on a crime that is taken up again, days later, now and then with another type."""
        profile = PROFILES[call.profile]
        if profile.crime_type not in CRIME_TYPES or self._uniform() >= self._rates.supplemented:
            return []
        at = closed_at + self._supplement()
        if self._end_ms is not None and at >= self._end_ms:
            return []
        if profile.becomes is not None and self._uniform() < self._rates.reclassified:
            case.crime_type = profile.becomes
        return [case.whole(at, S.CLOSED)]
