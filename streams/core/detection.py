"""Surges: cells and city totals that have more incidents than their own past explains.

At each tick the cells that changed are scored, and every quarter of an hour of event time all of them: the greatest
-log10 of a negative binomial upper tail over windows of 1 to 12 hours that end now. A score is stated as how often
chance brings one like it in the whole city ("once in N days"); the city's budget of false alerts a day is level 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.vocabulary import ANY, CrimeType
from streams.core.baseline import Baseline, BaselineRules
from streams.core.board import WINDOW_HOURS, Board
from streams.core.budget import Budget, BudgetRules
from streams.core.civil import HOUR_MS, HourOfWeek, utc_hour_of_week
from streams.core.scores import Arrival, Score
from streams.core.surge_groups import Episode, Episodes, Finding
from streams.core.upkeep import Upkeep

QUIET_H = 6  # findings further apart are two episodes
FOLLOWS_PATROLS = frozenset(
    {CrimeType.DRUGS, CrimeType.PROSTITUTION, CrimeType.TRAFFIC_STOP, CrimeType.GAMBLING, CrimeType.GROUP_B}
)
"""Types that measure where officers look, not where harm is done: left out of baselines and alerts by default."""


@dataclass(frozen=True, slots=True)
class SurgeRules:
    """What a jurisdiction configures of surge detection."""

    pane_ms: int = 60_000
    budget: BudgetRules = field(default_factory=BudgetRules)
    baseline: BaselineRules = field(default_factory=BaselineRules)
    excluded: frozenset[str] = FOLLOWS_PATROLS
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError when `pane_ms` does not divide a quarter of an hour."""
        if self.pane_ms < 1 or (HOUR_MS // 4) % self.pane_ms:
            msg = f"pane_ms must divide 900000 (got {self.pane_ms}); rescans would fall inside panes"
            raise ValueError(msg)


class SurgeDetector:
    """A `Detector` of surges for one jurisdiction."""

    def __init__(self, rules: SurgeRules | None = None, hour_of_week: HourOfWeek = utc_hour_of_week) -> None:
        self.rules = rules or SurgeRules()
        self.hour_of_week = hour_of_week
        self._begin()

    def _begin(self) -> None:
        baseline = Baseline(self.rules.baseline)
        self.board = Board(baseline, self.hour_of_week, self.rules.pane_ms, self.rules.budget.base)
        self.upkeep = Upkeep(self.board)
        self.budget = Budget(self.rules.budget)
        self.episodes = Episodes(self.rules.neighbours, QUIET_H * self.board.panes_per_hour)
        self.future: list[list[Any]] = []  # arrivals that count at or after the tick
        self.last_tick = -1
        self._turned = False  # whether this tick is the first of its quarter of an hour
        self._news: set[str] = set()  # types of which something came in at this tick

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        """Take in what became known and score what changed, at the tick that ends pane `now_pane - 1`."""
        for finding in self.examine(now_pane, arrivals):
            episode = self.episodes.note(finding, now_pane)
            episode.spoken |= finding.score >= self.budget.threshold
        self.episodes.close(now_pane, lambda episode: self.budget.close(episode.peak))
        return [self._stands(episode, now_pane) for episode in self.episodes.spoken()]

    def _stands(self, episode: Episode, now: int) -> Score:
        """How an episode stands: looked at anew each quarter of an hour, and where something came in of its type."""
        if episode.said is None or self._turned or episode.crime_type in self._news:
            episode.said = self._report(episode, now)
        return episode.said

    def next_change(self) -> int | None:
        """The next rescan while anything lies in a window or an episode is open, else the next future incident."""
        board, now = self.board, self.last_tick
        if now < 0:
            return None
        if self.episodes.open or board.recent.newest >= now - max(board.windows):
            return (now // board.quarter_panes + 1) * board.quarter_panes
        return min((int(entry[2]) + 1 for entry in self.future), default=None)

    def examine(self, now: int, arrivals: Iterable[Arrival]) -> list[Finding]:
        """The raw findings at a tick: what `advance` judges, and what a backtest writes down."""
        self.last_tick = now
        touched = self._take(now, arrivals)
        self._turned = now // self.board.quarter_panes != self.board.quarter
        if self._turned:
            for observed_hours in self.upkeep.due(now):
                if observed_hours:
                    self._pass(observed_hours)
            touched.update(self.board.turn(now).tolist())
        if self.board.fitted is None:
            return []
        return [finding for row in sorted(touched) if (finding := self._find(row, now))]

    def _pass(self, observed_hours: int) -> None:
        baseline = self.board.baseline
        a_day = 24.0 * baseline.hours[self.board.row_of[ANY, ANY]].sum() / max(1.0, baseline.seen.sum())
        self.budget.pass_day(observed_hours / 24.0, a_day * observed_hours / 24.0)

    def _take(self, now: int, arrivals: Iterable[Arrival]) -> set[int]:
        """Write arrivals down; the rows that have used up their slack."""
        board, slack, touched = self.board, self.board.slack, set[int]()
        news = self._news = {ANY}
        excluded = self.rules.excluded
        if self.future:
            arrivals = [*self._arrived(now), *arrivals]
        for zone, crime_type, pane, n in arrivals:
            if crime_type in excluded:
                continue
            if pane >= now:
                self.future.append([zone, crime_type, pane, n])
                continue
            news.add(crime_type)
            row = board.row_of.get((zone, crime_type))
            if row is None:
                row = board.row(zone, crime_type)
                slack = board.slack
            lane = board.lanes[row]
            done = self._write(lane, pane, n)
            for lane_row in lane:
                slack[lane_row] -= done
                if slack[lane_row] <= 0:
                    touched.add(lane_row)
        return touched

    def _arrived(self, now: int) -> list[Arrival]:
        due = [Arrival(*entry) for entry in self.future if entry[2] < now]
        self.future = [entry for entry in self.future if entry[2] >= now]
        return due

    def _write(self, lane: tuple[int, ...], pane: int, n: int) -> int:
        board, upkeep = self.board, self.upkeep
        hour = pane // board.panes_per_hour
        if upkeep.frontier < 0:
            upkeep.begin(hour)
        if hour < upkeep.frontier:
            upkeep.late.append([lane[0], hour, n])
        return board.recent.add(lane, pane, n)

    def _find(self, row: int, now: int) -> Finding | None:
        board = self.board
        score, window, observed, expected = board.best(row, now)
        if score < self.budget.rules.base:
            board.slack[row] = int((board.critical[row] - board.counts(row, now)).min())
            return None
        zone, crime_type = board.baseline.cells[row]
        return Finding(
            (zone,), crime_type, score, window, observed, expected, board.recent.panes[row][-observed]
        )

    def _report(self, episode: Episode, now: int) -> Score:
        """How an episode stands now: its zones that are out of the ordinary, counted over the rarest one's window."""
        board = self.board
        rows = {zone: board.row_of[zone, episode.crime_type] for zone in sorted(episode.zones)}
        stands = {zone: board.best(row, now) for zone, row in rows.items()}
        top = max(stands, key=lambda zone: (stands[zone][0], zone))
        score, window, _, _ = stands[top]
        zones = [zone for zone in stands if zone == top or stands[zone][0] >= self.budget.rules.base]
        width = board.windows[window]
        observed = [board.recent.count(rows[zone], now - width, now) for zone in zones]
        expected = sum(board.expected(rows[zone], now)[window] for zone in zones)
        since = min(self._since(rows[zone], now - width, now) for zone in zones)
        self._remember_excess(rows.values(), since, now, score)
        return Score(
            "surge",
            tuple(zones),
            episode.crime_type,
            width,
            sum(observed),
            expected,
            1.0 / self.budget.per_day(score),
            score / self.budget.threshold,
            board.baseline.learning,
            since,
            self._compared_with(zones, window),
        )

    def _since(self, row: int, start: int, now: int) -> int:
        return next((pane for pane in self.board.recent.panes[row] if start <= pane < now), now)

    def _remember_excess(self, rows: Iterable[int], since: int, now: int, score: float) -> None:
        if score >= self.budget.threshold:
            per_hour = self.board.panes_per_hour
            for row in rows:
                self.upkeep.excess.update(
                    (row, hour) for hour in range(since // per_hour, now // per_hour + 1)
                )

    def _compared_with(self, zones: Sequence[str], window: int) -> str:
        hours = WINDOW_HOURS[window]
        span = "hour" if hours == 1 else f"{hours} hours"
        whose = "the city's" if zones == [ANY] else "its own" if len(zones) == 1 else "their own"
        days = int(self.board.baseline.hours_seen // 24)
        if self.board.baseline.learning:
            return (
                f"{whose} first {days} days and the city's rhythm; still learning (same {span} of the week)"
            )
        return f"the same {span} of the week in {whose} past, mostly the last 4 weeks"

    def snapshot(self) -> Any:
        """The whole state as JSON-able values."""
        board = self.board
        return {
            "version": 1,
            "baseline": board.baseline.snapshot(board.fitted_rows),
            "later_cells": [list(cell) for cell in board.baseline.cells[board.fitted_rows :]],
            "fitted": board.fitted is not None,
            "quarter": board.quarter,
            "slack": list(board.slack),
            "recent": board.recent.snapshot(),
            "upkeep": self.upkeep.snapshot(),
            "budget": self.budget.snapshot(),
            "episodes": self.episodes.snapshot(),
            "future": [list(entry) for entry in self.future],
            "last_tick": self.last_tick,
        }

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same."""
        self._begin()
        self.board.restore(state)
        self.upkeep.restore(state["upkeep"])
        self.budget.restore(state["budget"])
        self.episodes.restore(state["episodes"])
        self.future = [list(entry) for entry in state["future"]]
        self.last_tick = state["last_tick"]
