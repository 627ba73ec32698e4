"""Surges: cells and city totals that have more incidents than their own past explains.

At each tick the cells that changed are scored, every quarter of an hour of event time those that are told, and every
hour all of them, by the evidence of an ongoing surge over windows of 1 to 12 hours (`evidence`), alone and with the
zones around (`clusters`). A score is stated as how often chance brings one like it in the whole city ("once in N
days", `budget`); the city's budget of false alerts a day is level 1.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.vocabulary import ANY, CrimeType
from streams.core.alert_groups import symmetric
from streams.core.baseline import Baseline, BaselineRules
from streams.core.board import Board
from streams.core.budget import Budget, BudgetRules
from streams.core.civil import HOUR_MS, HourOfWeek, utc_hour_of_week
from streams.core.drops import Drops
from streams.core.evidence import WINDOW_HOURS
from streams.core.occasions import Calendar
from streams.core.scores import Arrival, Score
from streams.core.surge_groups import Episode, Episodes, Finding
from streams.core.surges import Explained, Sight, over_window, stand, stand_city
from streams.core.upkeep import Upkeep

SUNK = 0.5  # level below which an episode is only looked at when something comes in
QUIET_H = 6  # findings further apart are two episodes
FOLLOWS_PATROLS = frozenset(
    {CrimeType.DRUGS, CrimeType.PROSTITUTION, CrimeType.TRAFFIC_STOP, CrimeType.GAMBLING}
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
    calendar: Calendar = field(default_factory=Calendar)

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
        near = symmetric(self.rules.neighbours)
        self.near: dict[str, tuple[str, ...]] = {zone: tuple(sorted(around)) for zone, around in near.items()}
        self._begin()

    def _begin(self) -> None:
        baseline = Baseline(self.rules.baseline)
        self.board = Board(baseline, self.hour_of_week, self.rules.pane_ms, self.near, self.rules.calendar)
        self.drops = Drops(self.board)
        self.upkeep = Upkeep(self.board)
        self.budget = Budget(self.rules.budget)
        near = {zone: frozenset(around) for zone, around in self.near.items()}
        self.episodes = Episodes(near, QUIET_H * self.board.panes_per_hour)
        self.future: list[list[Any]] = []  # arrivals that count at or after the tick
        self.last_tick = -1

    def advance(self, now_pane: int, arrivals: Iterable[Arrival]) -> Sequence[Score]:
        """Take in what became known and score what changed, at the tick that ends pane `now_pane - 1`."""
        turned, touched = self._take_in(now_pane, arrivals)
        for finding in self._findings(touched, now_pane):
            episode = self.episodes.note(finding, now_pane)
            episode.spoken |= finding.score >= self.budget.threshold
        if turned:
            self.episodes.close(now_pane, lambda episode: self.budget.close(episode.peak))
        spoken = self.episodes.spoken()
        if not spoken:
            return self.drops.said
        changed = {self.board.cells[row] for row in touched}
        return [*(self._say(episode, now_pane, turned, changed) for episode in spoken), *self.drops.said]

    def examine(self, now: int, arrivals: Iterable[Arrival]) -> list[Finding]:
        """The raw findings at a tick, for a backtest, without episodes or budget.

        `advance` judges the same, but between its arrivals it looks only at the episodes it has spoken of.
        """
        turned, touched = self._take_in(now, arrivals)
        return list(self._findings(touched | self.board.standing if turned else touched, now))

    def next_change(self) -> int | None:
        """The next rescan while anything lies in a window or is told, else the next future incident.

        In between, until a silence has lasted too long to be one (`Drops.gone`), the next hour.
        """
        board, now = self.board, self.last_tick
        if now < 0:
            return None
        if self.drops.said or self.episodes.open or board.recent.newest >= now - max(board.windows):
            return (now // board.quarter_panes + 1) * board.quarter_panes
        if board.recent.newest >= 0 and not self.drops.gone(now):
            return (now // board.panes_per_hour + 1) * board.panes_per_hour
        return min((int(entry[2]) + 1 for entry in self.future), default=None)

    def _take_in(self, now: int, arrivals: Iterable[Arrival]) -> tuple[bool, set[int]]:
        """Whether a new quarter of an hour began, and the rows worth a look."""
        if self.drops.gone(now):
            self.upkeep.pass_over(now)
        touched = self._write_down(now, arrivals)
        turned = now // self.board.quarter_panes != self.last_tick // self.board.quarter_panes
        if now // self.board.panes_per_hour != self.board.hour:
            for observed_hours in self.upkeep.due(now):
                self.drops.refitted()
                if observed_hours:
                    self._pass(observed_hours)
            touched.update(self.board.turn(now))
            self.drops.look(now)
        elif turned and self.drops.said:
            self.drops.look(now)  # whether what fell silent was heard again
        self.last_tick = now
        return turned, touched

    def _findings(self, touched: Iterable[int], now: int) -> Iterator[Finding]:
        """What is above the base, zones before city totals, so that these leave out what was told in this tick."""
        board, base = self.board, self.budget.rules.base
        if board.fitted is None:
            return
        rows = sorted(touched)
        if len(rows) > 1:
            rows.sort(key=lambda row: board.cells[row][0] == ANY)
        told: Explained | None = None
        for row in rows:
            counts = board.look_at(row, now)
            if counts is None:
                continue
            if told is None and board.cells[row][0] == ANY:
                told = self._told()  # by now all zones of this tick are
            finding = self._stand(Sight(row, now, counts), base, told)
            if finding is not None:
                yield finding

    def _stand(self, sight: Sight, least: float, told: Explained | None) -> Finding | None:
        if self.board.cells[sight.row][0] == ANY:
            return stand_city(self.board, sight, self._told() if told is None else told, least)
        return stand(self.board, sight, least)

    def _told(self) -> dict[str, list[int]]:
        """Rows of the zones whose surges are told already, by type."""
        told: dict[str, list[int]] = {}
        for episode in self.episodes.spoken():
            rows = [
                self.board.row_of[zone, episode.crime_type] for zone in sorted(episode.zones) if zone != ANY
            ]
            told.setdefault(episode.crime_type, []).extend(rows)
        return told

    def _pass(self, observed_hours: int) -> None:
        baseline = self.board.baseline
        a_day = 24.0 * baseline.hours[self.board.row_of[ANY, ANY]].sum() / max(1.0, baseline.seen.sum())
        self.budget.pass_day(observed_hours / 24.0, a_day * observed_hours / 24.0)

    def _write_down(self, now: int, arrivals: Iterable[Arrival]) -> set[int]:
        """Write arrivals down; the rows that have used up their slack."""
        board, upkeep, touched = self.board, self.upkeep, set[int]()
        row_of, add, excluded, per_hour = (
            board.row_of,
            board.recent.add,
            self.rules.excluded,
            board.panes_per_hour,
        )
        standing, near_rows = board.standing, board.near_rows
        if self.future:
            arrivals = [*self._arrived(now), *arrivals]
        for zone, crime_type, pane, n in arrivals:
            if crime_type in excluded:
                continue
            if pane >= now:
                self.future.append([zone, crime_type, pane, n])
                continue
            row = row_of.get((zone, crime_type))
            if row is None:
                row = board.row(zone, crime_type)
            lane, slack = board.lanes[row], board.slack
            if pane < upkeep.frontier * per_hour or upkeep.frontier < 0:
                upkeep.behind(row, pane // per_hour, n)
            done = add(lane, pane, n)
            for each in lane:
                slack[each] -= done
                if slack[each] <= 0:
                    touched.add(each)
            if standing and not standing.isdisjoint(near_rows[row]):
                touched |= standing & near_rows[row]
        return touched

    def _arrived(self, now: int) -> list[Arrival]:
        due = [Arrival(*entry) for entry in self.future if entry[2] < now]
        self.future = [entry for entry in self.future if entry[2] >= now]
        return due

    def _say(self, episode: Episode, now: int, turned: bool, changed: set[tuple[str, str]]) -> Score:
        """What is answered of an episode: made anew when it changed, and each quarter of an hour until it has sunk."""
        crime_type = episode.crime_type
        if (
            episode.said is None
            or (turned and episode.said.level >= SUNK)
            or any((zone, crime_type) in changed for zone in episode.zones)
        ):
            episode.said = self._report(episode, now)
        return episode.said

    def _report(self, episode: Episode, now: int) -> Score:
        """How an episode stands now: its zones that are out of the ordinary, counted over the strongest window."""
        board, budget = self.board, self.budget
        rows = {zone: board.row_of[zone, episode.crime_type] for zone in sorted(episode.zones)}
        stands = {
            zone: found
            for zone, row in rows.items()
            if (found := self._stand(Sight(row, now, board.counts(row, now)), 0.0, None)) is not None
        }
        top = max(stands.values(), key=lambda finding: (finding.score, finding.zones))
        risen = {
            zone for found in stands.values() if found.score >= budget.rules.base for zone in found.zones
        }
        zones = sorted(risen | set(top.zones))
        width = board.windows[top.window]
        cells = [(zone, episode.crime_type) for zone in zones]
        observed, expected = over_window(board, cells, top.window, now)
        since = min(found.since for zone, found in stands.items() if zone in zones)
        if top.score >= budget.threshold:
            self.upkeep.remember_excess(
                [board.row_of[zone, episode.crime_type] for zone in zones], since, now
            )
        return Score(
            "surge",
            tuple(zones),
            episode.crime_type,
            width,
            observed,
            expected,
            1.0 / budget.per_day(top.score),
            top.score / budget.threshold,
            board.baseline.learning,
            since,
            self._compared_with(zones, top.window),
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
        return {
            "version": 1,
            "board": self.board.snapshot(),
            "drops": self.drops.snapshot(),
            "upkeep": self.upkeep.snapshot(),
            "budget": self.budget.snapshot(),
            "episodes": self.episodes.snapshot(),
            "future": [list(entry) for entry in self.future],
            "last_tick": self.last_tick,
        }

    def restore(self, state: Any) -> None:
        """Take the state of `snapshot` back; afterwards every answer is the same."""
        self._begin()
        self.board.restore(state["board"])
        self.upkeep.restore(state["upkeep"])
        self.drops.restore(state["drops"])
        self.budget.restore(state["budget"])
        self.episodes.restore(state["episodes"])
        self.future = [list(entry) for entry in state["future"]]
        self.last_tick = state["last_tick"]
