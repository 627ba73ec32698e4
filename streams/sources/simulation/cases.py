"""What is true of an incident from the start: priority, source, times, place and code; and what a message says of it."""

from dataclasses import dataclass
from typing import Final

from schemas.events import Incident
from schemas.vocabulary import Agency, CallSource, CrimeType, IncidentStatus
from streams.sources.simulation import figures
from streams.sources.simulation.arrivals import Call
from streams.sources.simulation.city import City
from streams.sources.simulation.config import HOUR_MS, MINUTE_MS, Config
from streams.sources.simulation.draws import cumulative, duration_draw, pick, stream
from streams.sources.simulation.profiles import PROFILES, Profile

CALLED: Final = (CallSource.E911, CallSource.PHONE, CallSource.WALK_IN)
CALLED_SHARES: Final = cumulative((0.7, 0.25, 0.05))  # assumed, of calls to the police; others are all 911
LOCAL_CODE: Final = "X17"  # no type map knows it
DESK_SOURCES: Final = frozenset({CallSource.INTERNET, CallSource.WALK_IN})


@dataclass(slots=True)
class Case:
    """One incident, while its messages are written."""

    incident_id: str
    jurisdiction: str
    lead: Agency
    source: CallSource
    priority: str
    occurred_at: int
    reported_at: int
    crime_type: CrimeType | None
    code: str | None
    zone: str | None
    place: tuple[float, float] | None
    exercise: bool | None

    def whole(self, updated_at: int, status: IncidentStatus) -> Incident:
        """A message that repeats the whole record."""
        lat, lon = self.place or (None, None)
        return Incident(
            self.incident_id,
            self.jurisdiction,
            updated_at,
            self.lead,
            status,
            self.code,
            self.crime_type,
            self.zone,
            lat,
            lon,
            self.priority,
            self.source,
            self.occurred_at,
            self.reported_at,
            self.exercise,
        )

    def part(self, updated_at: int, status: IncidentStatus) -> Incident:
        """A message that says only how the incident stands now, and what was corrected with it.

        An exercise is named in every message: any other status would put it into the counts.
        """
        lat, lon = self.place if self.place and status is IncidentStatus.MOVED else (None, None)
        return Incident(
            incident_id=self.incident_id,
            jurisdiction=self.jurisdiction,
            updated_at=updated_at,
            status=status,
            crime_type=self.crime_type if status is IncidentStatus.RECLASSIFIED else None,
            zone=self.zone if status is IncidentStatus.MOVED else None,
            lat=lat,
            lon=lon,
            exercise=self.exercise,
        )


class CaseBook:
    """Opens a case for each call."""

    def __init__(self, config: Config, city: City) -> None:
        """Start before the first call."""
        self._config, self._city, self._rates = config, city, config.corrections
        uniform = self._uniform = stream(config.seed, "cases").random
        self._prefix = config.jurisdiction[:3].upper()
        self._priorities = [cumulative(profile.answer.priorities) for profile in PROFILES]
        self._delays = [duration_draw(uniform, profile.report.delay) for profile in PROFILES]

    def open(self, call: Call) -> Case:
        """Draw what is true of a call."""
        uniform, rates, profile = self._uniform, self._rates, PROFILES[call.profile]
        source = self._source(profile, call.surge)
        booked = source in DESK_SOURCES and uniform() < profile.report.on_hour
        zone: str | None = self._city.zones[call.zone]
        place = None
        if uniform() < rates.no_zone:
            zone = None
        elif uniform() < rates.coordinates:
            zone, place = None, self._city.point(call.zone, uniform)
        unmapped = uniform() < rates.unmapped
        reported_at = call.received_at // HOUR_MS * HOUR_MS if booked else call.received_at
        return Case(
            incident_id=f"{self._prefix}{call.number:08d}",
            jurisdiction=self._config.jurisdiction,
            lead=profile.answer.crews[0][1][0],
            source=source,
            priority=str(1 + pick(uniform, self._priorities[call.profile])),
            occurred_at=min(self._occurred_at(call, profile), reported_at),
            reported_at=reported_at,
            crime_type=None if unmapped else profile.crime_type,
            code=LOCAL_CODE if unmapped else None,
            zone=zone,
            place=place,
            exercise=True if uniform() < rates.exercise else None,
        )

    def elsewhere(self, case: Case, call: Call) -> None:
        """Move a case to a zone beside its own."""
        near = self._city.neighbours[call.zone] or (call.zone,)
        zone = near[int(self._uniform() * len(near))]
        if case.place is None:
            case.zone = self._city.zones[zone]
        else:
            case.place = self._city.point(zone, self._uniform)

    def _source(self, profile: Profile, surge: bool) -> CallSource:
        """How the call comes in; a surge is never of the officers' making."""
        uniform, report = self._uniform, profile.report
        if not surge and uniform() < report.officer:
            return CallSource.OFFICER
        if report.alarm:
            return CallSource.ALARM
        if uniform() < report.online:
            return CallSource.INTERNET
        if profile.answer.crews[0][1][0] is not Agency.POLICE:
            return CallSource.E911
        return CALLED[pick(uniform, CALLED_SHARES)]

    def _occurred_at(self, call: Call, profile: Profile) -> int:
        """When it is said to have happened: to the minute, and often to the full hour."""
        at = call.received_at - self._delays[call.profile]()
        if self._uniform() < profile.report.on_hour:
            return at // HOUR_MS * HOUR_MS
        step_ms = 5 * MINUTE_MS if self._uniform() < figures.FIVE_MINUTES else MINUTE_MS
        return at // step_ms * step_ms
