"""Read-only questions under /v1: rolling counts, alerts, the incidents behind a count, response measures."""

from streams.questions.routes import Questions
from streams.questions.views import Cities, City, Counts, Standing, Ticks

__all__ = ["Cities", "City", "Counts", "Questions", "Standing", "Ticks"]
