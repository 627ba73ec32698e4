"""The README names every setting, with its default, as it is."""

from tests.settings.table import PAGE, PLACE, page_with, table


def test_readme_has_the_table_of_all_settings() -> None:
    assert PLACE.search(PAGE.read_text())
    assert page_with(table()) == PAGE.read_text(), "run: python -m tests.settings.table"
