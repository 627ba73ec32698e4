"""The operator's page names every metric, as it is."""

from tests.metrics.table import PAGE, PLACE, page_with, table


def test_page_has_the_table_of_all_metrics() -> None:
    assert PLACE.search(PAGE.read_text())
    assert page_with(table()) == PAGE.read_text(), "run: python -m tests.metrics.table"
