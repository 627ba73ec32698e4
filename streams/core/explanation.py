"""What an alert says in words, made from the numbers that decided: one to three sentences a dispatcher can check.

Only what was counted and what it was compared with is said. Nothing is said of what will happen, nor of persons.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.episodes import AlertReason, Episode
from streams.core.scores import Score

HOUR_MS: Final = 3_600_000
NAMED_INCIDENTS: Final = 5
"""Incident ids written out in a sentence; the record beside it has more."""

_UNITS: Final = (("d", 86_400_000), ("h", HOUR_MS), ("min", 60_000), ("s", 1_000))
YEAR_DAYS: Final = 365
_RAREST_DAYS: Final = 10 * YEAR_DAYS
"""Rarer than this no city's history can bear out, so it is not said."""

_LEAST_RATIO_EXPECTED: Final = 0.1
"""Below it, "so many times as usual" is a figure without meaning, and is left out."""


def utc_words(at: int) -> str:
    """`at` (ms) as `14:30 UTC on 23 Nov 2026`, to the minute; an instant outside the calendar as a number."""
    try:
        moment = datetime.fromtimestamp(at / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return f"{at} ms"
    return f"{moment:%H:%M} UTC on {moment.day} {moment:%b %Y}"


class Wording(NamedTuple):
    """How a jurisdiction wants numbers said."""

    pane_ms: int = 60_000
    when: Callable[[int], str] = utc_words  # an instant (ms) in words, in local time where one is known


UTC_WORDING: Final = Wording()


def window_name(span_ms: int) -> str:
    """A span as on the topics: `15m`, `1h`, `7d`; the largest unit that divides it (days from two on)."""
    for unit, width in (("d", 86_400_000), ("h", HOUR_MS), ("m", 60_000), ("s", 1_000)):
        if span_ms % width == 0 and (unit != "d" or span_ms > width):
            return f"{span_ms // width}{unit}"
    return f"{span_ms}ms"


def explain(
    episode: Episode, reason: AlertReason, incident_ids: Sequence[str], wording: Wording = UTC_WORDING
) -> str:
    """One to three sentences on `episode` as told for `reason`; `incident_ids` newest first."""
    sentences = [_counted(episode, wording)]
    if episode.open:
        sentences.append(_since(episode, incident_ids, wording))
    notes = _notes(episode, reason, wording)
    return " ".join([*sentences, notes] if notes else sentences)


def zones_words(zones: Sequence[str]) -> str:
    """Zones in words: `zone B04`, `zones B04, B05 and B06`, `the whole city`."""
    names = ["no known zone" if zone == UNKNOWN_ZONE else zone for zone in zones]
    if tuple(zones) == (ANY,):
        return "the whole city"
    if len(names) == 1:
        return names[0] if zones[0] == UNKNOWN_ZONE else f"zone {names[0]}"
    return f"zones {', '.join(names[:-1])} and {names[-1]}"


def rarity_words(once_in_days: float) -> str:
    """How rare: `3 times a day`, `once in 12 days`, never rarer than `less than once in 10 years`."""
    if once_in_days < 1:
        return f"about {max(1, round(1 / max(once_in_days, 1e-3)))} times a day"
    if once_in_days >= _RAREST_DAYS:
        return "less than once in 10 years"
    if once_in_days >= 2 * YEAR_DAYS:
        return f"about once in {once_in_days / YEAR_DAYS:.0f} years"
    days = round(once_in_days)
    return "about once a day" if days == 1 else f"about once in {days} days"


def _span_words(span_ms: int) -> str:
    for unit, width in _UNITS:
        if span_ms % width == 0 and (unit != "d" or span_ms > width):
            return f"{span_ms // width} {unit}"
    return f"{span_ms} ms"


def _kind(score: Score) -> str:
    of = "all types" if score.crime_type == ANY else score.crime_type.replace("_", " ")
    noun = "incident" if score.observed == 1 else "incidents"
    return f"{noun} of {of}" if score.crime_type == ANY else f"{of} {noun}"


def _number(value: float) -> str:
    tenths = f"{value:.1f}"
    return "fewer than 0.1" if tenths == "0.0" else f"{value:.0f}" if len(tenths) > len("9.9") else tenths


def _counted(episode: Episode, wording: Wording) -> str:
    score = episode.reading
    window = _span_words(score.window_panes * wording.pane_ms)
    where, when = zones_words(score.zones), wording.when(episode.reading_at)
    head = f"{score.observed} {_kind(score)} in {where} in the {window} to {when}"
    return f"{head}{_compared(score)}."


def _compared(score: Score) -> str:
    if score.expected is None:
        return f"; the rule: {score.compared_with}" if score.compared_with else ""
    parts = [f", where {_number(score.expected)} are usual"]
    if score.expected >= _LEAST_RATIO_EXPECTED:
        parts.append(f" ({score.observed / score.expected:.1f} times as many)")
    if score.compared_with:
        parts.append(f", compared with {score.compared_with}")
    if score.once_in_days is not None:
        parts.append(f"; in the whole city this comes {rarity_words(score.once_in_days)}")
    return "".join(parts)


def _since(episode: Episode, incident_ids: Sequence[str], wording: Wording) -> str:
    since = f"It began at {wording.when(episode.since)}"
    if not incident_ids:
        return f"{since}."
    named = ", ".join(incident_ids[:NAMED_INCIDENTS])
    more = episode.reading.observed - min(len(incident_ids), NAMED_INCIDENTS)
    return f"{since}; newest incidents: {named}{f' and {more} more' if more > 0 else ''}."


def _notes(episode: Episode, reason: AlertReason, wording: Wording) -> str:
    notes = [*_ending(episode, wording)]
    others = [zone for zone in episode.zone_names if zone not in episode.reading.zones]
    if others and episode.open:
        notes.append(f"also out of the ordinary: {zones_words(others)}")
    if reason is AlertReason.RETURNED:
        notes.append("it had ended and is back")
    if episode.provisional:
        notes.append("provisional: the minute is not over, and the next tick confirms or withdraws this")
    if episode.reading.learning:
        notes.append("still learning what is usual here, so this is less certain")
    text = "; ".join(notes)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _ending(episode: Episode, wording: Wording) -> list[str]:
    if episode.open or episode.ended_at is None:
        return []
    if episode.ending is AlertReason.UNCONFIRMED:
        return [f"withdrawn at {wording.when(episode.ended_at)}: the closed tick does not bear it out"]
    peak = f"at most it was {episode.peak.observed} at {wording.when(episode.peak_at)}"
    if episode.ending is AlertReason.MERGED:
        return [f"goes on as alert {episode.merged_into}, which it has met"]
    if episode.ending is AlertReason.EXPIRED:
        return [f"ended without news for long: it is no longer emerging; {peak}"]
    return [f"over at {wording.when(episode.ended_at)}; {peak}"]
