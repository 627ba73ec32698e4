"""Episodes as JSON-able values and back, exactly: floats and integers round-trip, order is kept."""

from typing import Any

from streams.core.episodes import AlertReason, Answer, Episode, Sent
from streams.core.scores import Score


def episode_state(episode: Episode) -> dict[str, Any]:
    """An episode as JSON-able values."""
    return {
        **{name: getattr(episode, name) for name in Episode.__slots__},
        "zones": [list(zone) for zone in episode.zones],
        "reading": _score_state(episode.reading),
        "peak": _score_state(episode.peak),
        "ending": None if episode.ending is None else str(episode.ending),
        "answer": list(episode.answer),
        "sent": None if episode.sent is None else _sent_state(episode.sent),
    }


def episode_from(state: Any) -> Episode:
    """The episode of `episode_state`."""
    return Episode(
        **{
            **state,
            "zones": tuple((zone, since) for zone, since in state["zones"]),
            "reading": _score_from(state["reading"]),
            "peak": _score_from(state["peak"]),
            "ending": None if state["ending"] is None else AlertReason(state["ending"]),
            "answer": Answer(*state["answer"]),
            "sent": None if state["sent"] is None else _sent_from(state["sent"]),
        }
    )


def _score_state(score: Score) -> dict[str, Any]:
    return {**score._asdict(), "zones": list(score.zones)}


def _score_from(state: Any) -> Score:
    return Score(**{**state, "zones": tuple(state["zones"])})


def _sent_state(sent: Sent) -> dict[str, Any]:
    return {**sent._asdict(), "zones": list(sent.zones), "answer": list(sent.answer)}


def _sent_from(state: Any) -> Sent:
    return Sent(**{**state, "zones": tuple(state["zones"]), "answer": Answer(*state["answer"])})
