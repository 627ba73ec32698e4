"""Problem documents: what went wrong with a request, as JSON.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

import json
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

MEDIA_TYPE: Final = "application/problem+json"


def problem(
    status: int, detail: str, *, title: str = "", kind: str = "about:blank", **more: Any
) -> web.Response:
    """An answer that says what is wrong.

    Args:
        status: of the answer.
        detail: what to do.
        title: the problem in a few words; by default what the status says.
        kind: where this kind of problem is described.
        more: further members.
    """
    said = {
        "type": kind,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    # json.dumps writes ASCII, so that half of a surrogate pair in what was asked does no harm.
    return web.Response(text=json.dumps(said), status=status, content_type=MEDIA_TYPE)
