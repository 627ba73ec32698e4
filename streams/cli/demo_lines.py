"""The demo as plain lines, for pipes, logs and those who do not want a moving picture."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from streams.cli import demo_words as words
from streams.demo.alerts import AlertNews
from streams.demo.scene import Phase, Scene

STATUS_EVERY_S: Final = 5.0
HOTTEST: Final = 3


class Lines:
    """Says what is new, and every few seconds how things are."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = monotonic) -> None:
        """Say nothing yet.

        Args:
            say: takes one line.
            clock: seconds; for tests.
        """
        self._say, self._clock = say, clock
        self._steps = 0
        self._phase = Phase.STARTING
        self._status_at = clock() + STATUS_EVERY_S

    def __enter__(self) -> "Lines":
        """Begin with what is about to be seen."""
        self._say("a simulated city on a broker in memory; Ctrl-C ends it")
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the lines where they are."""

    def show(self, scene: Scene) -> None:
        """Say what is new since the last time."""
        self._say_steps(scene)
        if scene.phase is not self._phase:
            self._phase = scene.phase
            if scene.phase is Phase.LIVE:
                self._say_live(scene)
        if scene.phase is Phase.LIVE:
            for news in scene.news:
                if news.at_ms > scene.live_ms:
                    self._say(line_of(news))
        if self._clock() >= self._status_at:
            self._status_at = self._clock() + STATUS_EVERY_S
            self._say(status(scene))

    def _say_steps(self, scene: Scene) -> None:
        while self._steps < len(scene.steps):
            step = scene.steps[self._steps]
            if step.took_s is None:
                return
            self._say(f"{step.what}: {step.took_s:.1f} s")
            self._steps += 1

    def _say_live(self, scene: Scene) -> None:
        totals = scene.reading.transitions
        self._say(
            f"the city is live, {scene.speed:.0f} times faster than life; in its past {totals['raised']} alerts were "
            f"raised and {totals['cleared']} cleared, these are open:"
        )
        for alert in scene.alerts.ordered():
            if alert.open:
                self._say(line_of(alert))


def line_of(alert: AlertNews) -> str:
    """An alert as one line: when, what became of it, and why."""
    return (
        f"{words.day(alert.at_ms)} {words.clock(alert.at_ms)}  {alert.state.upper():<9}  {alert.explanation}"
    )


def status(scene: Scene) -> str:
    """How things are, as one line."""
    if scene.phase in (Phase.STARTING, Phase.PAST):
        return f"getting ready: {scene.past_share:.0%} of the past is counted"
    reading = scene.reading
    hot = [
        f"{words.short(zone)} {words.spoken(crime_type)} {'/'.join(str(counts.get(w, 0)) for w in words.WINDOWS)}"
        for zone, crime_type, counts in words.hottest(scene)[:HOTTEST]
    ]
    kpis = [
        f"{kpi.agency} {kpi.kpi} {kpi.share:.0%} within {words.seconds(kpi.goal_s)}"
        for kpi in words.kpis_of_day(scene)[:2]
    ]
    begun = sum(alert.open for alert in scene.alerts.ordered())
    parts = [
        f"{words.day(scene.clock_ms)} {words.clock(scene.clock_ms)}  status   ",
        f"{scene.events_per_s:.0f} events/s, {begun} alerts open, {reading.dead_letters.total()} dead letters, "
        f"{reading.late} late;",
        f"hottest (15m/1h/24h): {', '.join(hot)};" if hot else "",
        f"24h: {', '.join(kpis)}" if kpis else "",
    ]
    return " ".join(part for part in parts if part)
