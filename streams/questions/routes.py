"""Questions over HTTP: a request becomes an answer or a problem document, never an exception."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from schemas.codec import to_json
from streams.questions.all_questions import questions
from streams.questions.asking import Asked, Question
from streams.questions.openapi import openapi
from streams.questions.paging import question_digest, read_cursor
from streams.questions.parameters import ParameterFault, read
from streams.questions.problems import DOCUMENT, not_here, not_yet, unfit
from streams.questions.views import Cities

_HEADERS = {"Cache-Control": "no-store"}


class Questions:
    """All questions about the cities of one worker."""

    def __init__(
        self, cities: Cities, windows: Sequence[str], kpi_windows: Sequence[str], version: str
    ) -> None:
        """Answer about these cities.

        Args:
            cities: asked at each request.
            windows: names of the rolling windows.
            kpi_windows: names of the windows over which response is measured.
            version: of Vigil.
        """
        self._cities = cities
        self._all = questions(windows, kpi_windows)
        self._document = to_json(openapi(self._all, version))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add every route."""
        for question in self._all:
            router.add_get(question.path, self._handler(question))
        router.add_get(DOCUMENT, self._answer_document)

    async def _answer_document(self, _: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    def _handler(self, question: Question) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            return self.answer(question, list(request.query.items()))

        return handle

    def answer(self, question: Question, query: Sequence[tuple[str, str]]) -> web.Response:
        """The answer to one request."""
        values = read(question.parameters, query)
        if isinstance(values, list):
            return unfit(values)
        digest = question_digest(question.path, query)
        cursor = None
        if values["cursor"] is not None:
            cursor = read_cursor(values["cursor"], digest, question.key)
            if cursor is None:
                problem = "must be the `next` of an answer to the same question; ask again without it"
                return unfit([ParameterFault("cursor", problem)])
        here = tuple(self._cities.names())
        asked = Asked(values, self._cities, digest, cursor, here=here)
        return self._about_city(question, asked) if "jurisdiction" in values else _answered(question, asked)

    def _about_city(self, question: Question, asked: Asked) -> web.Response:
        name = asked.values["jurisdiction"]
        city = self._cities.city(name)
        if city is not None:
            return _answered(
                question, Asked(asked.values, asked.cities, asked.digest, asked.cursor, city, asked.here)
            )
        return (not_yet if self._cities.is_coming(name) else not_here)(name, asked.here)


def _answered(question: Question, asked: Asked) -> web.Response:
    said = question.answer(asked)
    if isinstance(said, ParameterFault):
        return unfit([said])
    return web.Response(body=to_json(said), content_type="application/json", headers=_HEADERS)
