"""The operator's page and the README name every metric, as it is."""

from tests.metrics.table import PAGE, PLACE, README, page_with, short_table, table


def test_page_has_the_table_of_all_metrics() -> None:
    assert PLACE.search(PAGE.read_text())
    assert page_with(table()) == PAGE.read_text(), "run: python -m tests.metrics.table"


def test_readme_has_the_names_of_all_metrics() -> None:
    assert PLACE.search(README.read_text())
    assert page_with(short_table(), README) == README.read_text(), "run: python -m tests.metrics.table"
