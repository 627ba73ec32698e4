"""From the configuration to the rules of both stages: the one place where settings become core values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from streams.calendar_file import CalendarFile, load_calendar
from streams.core.alert_book import AlertBook
from streams.core.budget import BudgetRules
from streams.core.civil import hour_of_week_in
from streams.core.detection import SurgeDetector, SurgeRules
from streams.core.episodes import Policy
from streams.core.explanation import Wording, moments_in
from streams.core.kpis import KPI_WINDOWS_MS, Compliance, Target
from streams.core.occasions import Calendar
from streams.core.rule_terms import RuleClock
from streams.core.rules import RuleDetector
from streams.core.scores import Detector
from streams.core.source_fold import IntakeRules, Locality
from streams.core.timeline import Timeline
from streams.core.trend_detector import TrendDetector, TrendRules
from streams.core.watch_fold import WatchRules
from streams.rules_file import Bounds, Rules, load_rules, policies_of
from streams.settings import CountsAt, Jurisdiction, Settings
from streams.settings.fingerprint import counting_fingerprint
from streams.zones import ZoneMap


def timeline_of(settings: Settings) -> Timeline:
    """How a configuration cuts time."""
    counting = settings.counting
    return Timeline(
        counting.pane_ms,
        counting.window_lengths_ms,
        counting.out_of_orderness_ms,
        counting.allowed_lateness_ms,
    )


class Stages:
    """The rules of both stages as a configuration says them; polygons and rules files are read once."""

    def __init__(self, settings: Settings) -> None:
        """Read what the configuration names.

        Raises:
            ConfigurationError: a file that it names cannot be used.
        """
        self.settings = settings
        self.timeline = timeline_of(settings)
        self.kpi_timeline = replace(self.timeline, windows=KPI_WINDOWS_MS)
        self.zones = {
            name: ZoneMap.from_file(Path(city.zones.path), city.zones.property)
            for name, city in settings.jurisdictions.items()
            if city.zones
        }
        default = settings.defaults.zones
        self.default_zones = ZoneMap.from_file(default.path, default.property) if default else None
        self.rules = self._load_rules()
        self.calendar = self._load_calendar()

    def _load_rules(self) -> Rules:
        path = self.settings.detection.rules_file
        if path is None:
            return Rules(())
        zones = {name: list(zones.neighbours()) for name, zones in self.zones.items()}
        return load_rules(
            path, Bounds(self.timeline.pane_ms, self.settings.counting.longest_window_ms, zones)
        )

    def _load_calendar(self) -> CalendarFile:
        path = self.settings.detection.calendar_file
        file = CalendarFile() if path is None else load_calendar(path)
        for name in self.settings.jurisdictions:
            self._occasions(name, file)
        return file

    def _occasions(self, jurisdiction: str, file: CalendarFile) -> Calendar:
        zones = self.zones.get(jurisdiction)
        return file.of(jurisdiction, str(self._time_zone(jurisdiction)), zones.names if zones else ())

    def intake(self, cells_partitions: int) -> IntakeRules:
        """How source messages become partials."""
        settings = self.settings
        return IntakeRules(
            timeline=self.timeline,
            counting_version=settings.counting.version,
            fingerprint=counting_fingerprint(settings),
            counts_by_occurred=settings.counting.counts_at is CountsAt.OCCURRED_AT,
            localities={name: self._locality(name, city) for name, city in settings.jurisdictions.items()},
            kpi_bounds_s=settings.kpi_bounds_s,
            kpi_windows=KPI_WINDOWS_MS,
            elsewhere=self._locality("", settings.defaults),
            cells_partitions=cells_partitions,
            cells_topic=settings.topic("cells"),
            dead_letters_topic=settings.topic("dead-letters"),
            late_events_topic=settings.topic("late-events"),
        )

    def _locality(self, name: str, city: Jurisdiction) -> Locality:
        zones = self.zones.get(name, self.default_zones)
        types = {code: str(word) for code, word in city.type_map.items()}
        return Locality(types, zones.zone_of if zones else None)

    def watch(self) -> WatchRules:
        """How partials become counts, alerts and KPIs."""
        topic = self.settings.topic
        return WatchRules(
            timeline=self.timeline,
            kpi_timeline=self.kpi_timeline,
            detectors=self.detectors,
            alerts=self.alerts,
            kpis=self.kpis,
            incidents_topic=topic("incidents"),
            dispatches_topic=topic("dispatches"),
            cells_topic=topic("cells"),
            window_counts_topic=topic("window-counts"),
            alerts_topic=topic("alerts"),
            kpis_topic=topic("kpis"),
            state_topic=topic("watch-state"),
            dead_letters_topic=topic("dead-letters"),
        )

    def detectors(self, jurisdiction: str) -> Sequence[Detector]:
        """The detectors of a jurisdiction, fresh: excesses over its own past, and the analysts' rules."""
        detection = self.settings.detection
        zone = self._time_zone(jurisdiction)
        surges = SurgeRules(
            pane_ms=self.timeline.pane_ms,
            budget=BudgetRules(false_alerts_per_day=detection.alerts_per_day),
            neighbours=self._neighbours(jurisdiction),
            calendar=self._occasions(jurisdiction, self.calendar),
        )
        clock = RuleClock(self.timeline.pane_ms, minute_of_day_in(zone))
        local = hour_of_week_in(str(zone))
        trends = TrendRules(pane_ms=self.timeline.pane_ms)
        found: list[Detector] = [SurgeDetector(surges, local), TrendDetector(trends, local)]
        rules = self.rules.of(jurisdiction)
        if rules:
            found.append(RuleDetector(rules, clock))
        return found

    def alerts(self, jurisdiction: str) -> AlertBook:
        """The alerts of a jurisdiction, none yet."""
        policy = Policy(pane_ms=self.timeline.pane_ms)
        wording = Wording(self.timeline.pane_ms, moments_in(self._time_zone(jurisdiction)))
        policies = policies_of(self.rules.of(jurisdiction), policy)
        return AlertBook(jurisdiction, policy, self._neighbours(jurisdiction), policies, wording)

    def kpis(self, jurisdiction: str) -> Compliance:
        """How the response intervals of a jurisdiction are judged."""
        goals = self.settings.jurisdiction(jurisdiction).goals
        targets = [Target(str(g.kpi), g.threshold_s, str(g.agency), g.priority) for g in goals]
        return Compliance(jurisdiction, tuple(KPI_WINDOWS_MS), self.settings.kpi_bounds_s, targets)

    def _time_zone(self, jurisdiction: str) -> ZoneInfo:
        return ZoneInfo(self.settings.jurisdiction(jurisdiction).time_zone)

    def _neighbours(self, jurisdiction: str) -> Mapping[str, Sequence[str]]:
        zones = self.zones.get(jurisdiction, self.default_zones)
        return zones.neighbours() if zones else {}


class minute_of_day_in:  # noqa: N801 -- a function with a memory of the last hour
    """Minute of the local day of an instant in ms; the offset is looked up once per hour."""

    def __init__(self, zone: tzinfo) -> None:
        """`zone`: the jurisdiction's."""
        self._zone = zone
        self._hour = -1
        self._minute = 0

    def __call__(self, at_ms: int) -> int:
        """Minute of the day, 0 to 1439."""
        hour, rest = divmod(at_ms, 3_600_000)
        if hour != self._hour:
            local = datetime.fromtimestamp(hour * 3600, tz=self._zone)
            self._hour, self._minute = hour, local.hour * 60 + local.minute
        return (self._minute + rest // 60_000) % 1440
