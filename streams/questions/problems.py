"""What a question is answered with when it cannot be answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from streams.questions.parameters import ParameterFault
from streams.questions.shapes import said
from streams.web.problems import problem

DOCUMENT: Final = "/v1/openapi.json"


@dataclass(frozen=True)
class Problem:
    """Why a question was not answered (RFC 9457)."""

    type: str = said("Where this kind of problem is described.", format="uri-reference")
    title: str = said("The problem in a few words.")
    status: int = said("The status of this answer.")
    detail: str = said("What is wrong, or what to do.")


@dataclass(frozen=True)
class Fault:
    """What is wrong with one parameter."""

    parameter: str = said("Its name, as it was given.")
    problem: str = said("What it must be.")


@dataclass(frozen=True)
class UnfitParameters(Problem):
    """The question cannot be asked like this; every fault is named at once (RFC 9457)."""

    faults: tuple[Fault, ...] = said("Every fault.")


@dataclass(frozen=True)
class NotHere(Problem):
    """This worker does not watch that jurisdiction, or not yet (RFC 9457)."""

    here: tuple[str, ...] = said("The jurisdictions that this worker watches now.")


def unfit(faults: Sequence[ParameterFault]) -> web.Response:
    """400: every fault of a request."""
    detail = "; ".join(f"{fault.parameter} {fault.problem}" for fault in faults)
    return problem(
        400,
        detail,
        title="parameters cannot be used",
        kind=_described(UnfitParameters),
        faults=[fault._asdict() for fault in faults],
    )


def not_here(jurisdiction: str, here: Sequence[str]) -> web.Response:
    """404: another worker's jurisdiction, or nobody's."""
    watched = f"here are: {', '.join(here)}" if here else "it watches none now"
    return problem(
        404,
        f"this worker does not watch it; {watched}; ask the other workers, and check the spelling",
        title=f"{jurisdiction} is not here",
        kind=_described(NotHere),
        here=list(here),
    )


def not_yet(jurisdiction: str, here: Sequence[str]) -> web.Response:
    """503: being taken over."""
    answer = problem(
        503,
        "this worker is taking it over, and answers when its log is folded (/readyz says how far it is), "
        "or a log was cut, and it answers when its windows are whole again (vigil_kept_back_until_timestamp_seconds)",
        title=f"{jurisdiction} is not here yet",
        kind=_described(NotHere),
        here=list(here),
    )
    answer.headers["Retry-After"] = "2"
    return answer


def _described(kind: type[Problem]) -> str:
    return f"{DOCUMENT}#/components/schemas/{kind.__name__}"
