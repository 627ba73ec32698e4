"""What an alert says in words, made from the numbers that decided: one to three sentences a dispatcher can check.

Only what was counted and what it was compared with is said. Nothing is said of what will happen, nor of persons.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from schemas.vocabulary import ANY, UNKNOWN_ZONE
from streams.core.episodes import DAY_MS, HOUR_MS, MINUTE_MS, AlertReason, Episode
from streams.core.scores import Score

NAMED_INCIDENTS: Final = 5
"""Incident ids written out in a sentence; the record beside it has more."""

YEAR_DAYS: Final = 365
RAREST_SAID_DAYS: Final = 10 * YEAR_DAYS
"""Rarer than this no city's history can bear out, so it is not said."""

SILENCE: Final = "drop"
"""The detector of zones that fall silent: a matter of data quality, said in other words than an excess."""

LEAST_RATIO_EXPECTED: Final = 0.1
"""Where less is expected, "so many times as many" is a figure without meaning, and is left out."""


class Moment(NamedTuple):
    """An instant in words."""

    clock: str  # 14:30
    zone: str  # UTC, CST
    day: str  # 23 Nov 2026


def moments_in(zone: tzinfo) -> Callable[[int], Moment]:
    """Instants (ms) in the words of a time zone, to the minute; beyond the calendar as a plain number."""

    def moment(at: int) -> Moment:
        try:
            local = datetime.fromtimestamp(at / 1000, tz=UTC).astimezone(zone)
        except (OverflowError, ValueError, OSError):
            return Moment(f"{at} ms", "UTC", "no day")
        return Moment(f"{local:%H:%M}", f"{local:%Z}" or "local time", f"{local.day} {local:%b %Y}")

    return moment


class Wording(NamedTuple):
    """How a jurisdiction wants numbers said."""

    pane_ms: int = MINUTE_MS
    when: Callable[[int], Moment] = moments_in(UTC)


UTC_WORDING: Final = Wording()


def explain(
    episode: Episode, reason: AlertReason, incident_ids: Sequence[str], wording: Wording = UTC_WORDING
) -> str:
    """One to three sentences on `episode` as told for `reason`.

    Args:
        episode: what is known.
        reason: why it is told.
        incident_ids: newest first.
        wording: how times are said.
    """
    silent = episode.detector == SILENCE
    sentences = [_silent(episode, wording) if silent else _counted(episode, wording)]
    if episode.open and not silent:
        sentences.append(_since(episode, incident_ids, wording))
    if notes := [*_ending(episode, wording), *_notes(episode, reason)]:
        text = "; ".join(notes)
        sentences.append(f"{text[0].upper()}{text[1:]}.")
    return " ".join(sentences)


def window_name(span_ms: int) -> str:
    """A span as on the topics: `15m`, `1h`, `24h`, `7d`; in the largest unit that divides it, days from two on."""
    for unit, width in (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", 1000)):
        if span_ms % width == 0 and (unit != "d" or span_ms > width):
            return f"{span_ms // width}{unit}"
    return f"{span_ms}ms"


def zones_words(zones: Sequence[str]) -> str:
    """Zones in words: `zone B04`, `zones B04, B05 and B06`, `the whole city`."""
    if tuple(zones) == (ANY,):
        return "the whole city"
    if tuple(zones) == (UNKNOWN_ZONE,):
        return "no known zone"
    return f"zone {zones[0]}" if len(zones) == 1 else f"zones {', '.join(zones[:-1])} and {zones[-1]}"


def rarity_words(once_in_days: float) -> str:
    """How rare: `3 times a day`, `once in 12 days`, never rarer than `less than once in 10 years`."""
    if once_in_days >= RAREST_SAID_DAYS:
        return "less than once in 10 years"
    if once_in_days >= 2 * YEAR_DAYS:
        return f"about once in {once_in_days / YEAR_DAYS:.0f} years"
    days, times = round(once_in_days), round(1 / max(once_in_days, 0.001))
    if days > 1:
        return f"about once in {days} days"
    return "about once a day" if times <= 1 else f"about {times} times a day"


def count_words(observed: int, crime_type: str) -> str:
    """`9 burglary incidents`, `1 incident of all types`."""
    noun = "incident" if observed == 1 else "incidents"
    if crime_type == ANY:
        return f"{observed} {noun} of all types"
    return f"{observed} {crime_type.replace('_', ' ')} {noun}"


def _counted(episode: Episode, wording: Wording) -> str:
    """The first sentence: what was counted where and when, and what it is compared with."""
    score, to = episode.reading, wording.when(episode.reading_at)
    window = window_name(score.window_panes * wording.pane_ms)
    head = f"{count_words(score.observed, score.crime_type)} in {zones_words(score.zones)}"
    said = f"{head} in the {window} to {to.clock} {to.zone} on {to.day}{_compared(score)}"
    return f"{said}."


def _silent(episode: Episode, wording: Wording) -> str:
    """The first sentence of a drop: since when nothing has come, and what would have been usual."""
    score, to = episode.reading, wording.when(episode.reading_at)
    since = _short(episode.since, episode.reading_at, wording)
    head = f"nothing from {zones_words(score.zones)} between {since} and {to.clock} {to.zone} on {to.day}"
    usual = f"where {score.expected or 0.0:.0f} incidents are usual, compared with {score.compared_with}"
    rarity = "" if score.once_in_days is None else rarity_words(score.once_in_days)
    said = f"{head}, {usual}; such a silence comes up in the city {rarity}" if rarity else f"{head}, {usual}"
    return f"{said[:1].upper()}{said[1:]}."


def _compared(score: Score) -> str:
    if score.expected is None:
        name = score.detector.removeprefix("rule:")
        return f"; rule {name}: {score.compared_with}" if score.compared_with else f"; rule {name}"
    usual = f"{score.expected:.1f}" if round(score.expected, 1) < 10 else f"{score.expected:.0f}"  # noqa: PLR2004
    parts = [f", where {'fewer than 0.1' if usual == '0.0' else usual} are usual"]
    if score.expected >= LEAST_RATIO_EXPECTED:
        parts.append(f" ({score.observed / score.expected:.1f} times as many)")
    if score.compared_with:
        parts.append(f", compared with {score.compared_with}")
    if score.once_in_days is not None and score.level >= 1:
        parts.append(f"; so many come up in the city {rarity_words(score.once_in_days)}")
    return "".join(parts)


def _since(episode: Episode, incident_ids: Sequence[str], wording: Wording) -> str:
    since = f"It began at {_short(episode.since, episode.reading_at, wording)}"
    if not incident_ids:
        return f"{since}."
    named = incident_ids[:NAMED_INCIDENTS]
    more = max(len(incident_ids), episode.reading.observed) - len(named)
    return f"{since}; newest incidents: {', '.join(named)}{f' and {more} more' if more > 0 else ''}."


def _short(at: int, beside: int, wording: Wording) -> str:
    """An instant beside another one: without the day, and the zone, where they are the same."""
    moment, other = wording.when(at), wording.when(beside)
    zone = "" if moment.zone == other.zone else f" {moment.zone}"
    return f"{moment.clock}{zone}" if moment.day == other.day else f"{moment.clock}{zone} on {moment.day}"


def _ending(episode: Episode, wording: Wording) -> list[str]:
    if episode.open or episode.ended_at is None:
        return []
    ended = _short(episode.ended_at, episode.reading_at, wording)
    if episode.detector == SILENCE and episode.ending is AlertReason.SUBSIDED:
        return [f"heard again at {ended}"]
    if episode.ending is AlertReason.UNCONFIRMED:
        return [f"withdrawn at {ended}: the closed minute does not bear it out"]
    if episode.ending is AlertReason.MERGED:
        return [f"goes on as alert {episode.merged_into}, which it has met"]
    if episode.ending is AlertReason.EXPIRED:
        return [
            f"ended at {ended} for want of news, though it has not sunk: it is no longer emerging",
            *_highest(episode, wording),
        ]
    return [f"over at {ended}", *_highest(episode, wording)]


def _highest(episode: Episode, wording: Wording) -> list[str]:
    """What was counted when the level was highest: that need be neither the most, nor in the window of the first sentence."""
    score, reading = episode.peak, episode.reading
    counted = (score.zones, score.window_panes, score.observed)
    if episode.detector == SILENCE or counted == (reading.zones, reading.window_panes, reading.observed):
        return []
    window = window_name(score.window_panes * wording.pane_ms)
    where = "" if score.zones == reading.zones else f" in {zones_words(score.zones)}"
    at = _short(episode.peak_at, episode.reading_at, wording)
    return [f"most out of the ordinary with {score.observed} in {window}{where} at {at}"]


def _notes(episode: Episode, reason: AlertReason) -> list[str]:
    notes = []
    others = [zone for zone in episode.zone_names if zone not in episode.reading.zones]
    if others and episode.open:
        notes.append(f"also out of the ordinary: {zones_words(others)}")
    if reason is AlertReason.RETURNED:
        notes.append("it had ended and is back")
    if episode.provisional:
        notes.append("provisional: the minute is not over; the next revision confirms or withdraws this")
    if episode.reading.learning:
        notes.append("still learning what is usual here, so this is less certain")
    return notes
