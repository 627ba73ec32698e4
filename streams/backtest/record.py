"""What is written down while a history goes through the stages: counts by hour, and how rare chance says episodes are."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from schemas.vocabulary import ANY
from streams.core.budget import Budget, BudgetRules
from streams.core.civil import HOUR_MS
from streams.core.detection import SurgeDetector
from streams.core.scores import Arrival, Detector, Score
from streams.settings import Settings
from streams.stages import Stages


class Peak(NamedTuple):
    """An episode of surge detection that is over, whether or not it was told."""

    pane: int
    once_in_days: float  # how rare, when it was over
    learning: bool


class _HeardBudget(Budget):
    """A budget that says how rare each episode was before it learns from it."""

    def __init__(self, rules: BudgetRules, heard: Callable[[float], None]) -> None:
        super().__init__(rules)
        self._heard = heard

    def close(self, peak: float) -> None:
        self._heard(1.0 / self.per_day(peak))
        super().close(peak)


class Record:
    """A `Detector` that answers nothing: it writes down what it is told, and what the detector of surges thinks."""

    def __init__(self, surges: SurgeDetector) -> None:
        """Listen to a fresh detector."""
        self.surges = surges
        self.panes_per_hour = HOUR_MS // surges.rules.pane_ms
        self.hourly: dict[
            tuple[str, str], Counter[int]
        ] = {}  # (zone, type) → hour since the epoch → incidents
        self.by_pane_of_hour: Counter[int] = Counter()  # incidents of the types that are watched
        self.peaks: list[Peak] = []
        self.tick = -1
        surges.budget = _HeardBudget(surges.budget.rules, self._hear)

    def _hear(self, once_in_days: float) -> None:
        self.peaks.append(Peak(self.tick, once_in_days, self.surges.board.baseline.learning))

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        """Count."""
        self.tick = now_pane
        excluded = self.surges.rules.excluded
        for zone, crime_type, pane, n in arrivals:
            if crime_type not in excluded:
                self.by_pane_of_hour[pane % self.panes_per_hour] += n
            self.hourly.setdefault((zone, crime_type), Counter())[pane // self.panes_per_hour] += n
        return ()

    def next_change(self) -> int | None:
        """Never."""
        return None

    def snapshot(self) -> Any:
        """Nothing: a history is replayed from its beginning."""
        return None

    def restore(self, state: Any) -> None:
        """Nothing."""

    def expected(self, zones: Sequence[str], crime_type: str, hours: range) -> list[float]:
        """What is expected of zones together in each hour, as the detector has it now; empty where it has no idea."""
        board = self.surges.board
        rows = [
            row
            for row, (zone, kind) in enumerate(board.cells)
            if zone in zones and (kind == crime_type or (crime_type == ANY and zone != ANY))
        ]
        if board.fitted is None or not rows:
            return []
        rate, local = board.outlook.rate, board.hour_of_week
        return [
            sum(float(rate[row, local(hour)]) * board.outlook.allowance(row, hour) for row in rows)
            for hour in hours
        ]

    def observed(self, zones: Sequence[str], crime_type: str, hours: range) -> list[int]:
        """What was counted in zones together in each hour, types that are left out of detection included only by name."""
        excluded = self.surges.rules.excluded
        cells = [
            counts
            for (zone, kind), counts in self.hourly.items()
            if (ANY in zones or zone in zones)
            and (kind == crime_type or (crime_type == ANY and kind not in excluded))
        ]
        return [sum(counts[hour] for counts in cells) for hour in hours]


class RecordedStages(Stages):
    """The stages of a configuration, of whose jurisdictions records are kept."""

    def __init__(self, settings: Settings) -> None:
        """As the stages that run live."""
        super().__init__(settings)
        self.records: dict[str, Record] = {}

    def detectors(self, jurisdiction: str) -> Sequence[Detector]:
        """The detectors of a jurisdiction, and its record."""
        found = super().detectors(jurisdiction)
        (surges,) = (detector for detector in found if isinstance(detector, SurgeDetector))
        record = self.records[jurisdiction] = Record(surges)
        return [record, *found]
