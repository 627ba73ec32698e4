"""Zones on paper: in the order people count them, and as tiles where nobody gave polygons."""

from streams.backtest.episode_figures import natural, tiles


def test_zones_are_ordered_as_people_count() -> None:
    assert sorted(["32", "8", "B10", "B9", "Mission"], key=natural) == ["8", "32", "B9", "B10", "Mission"]


def test_tiles_fill_rows_and_do_not_overlap() -> None:
    squares = tiles(["A", "B", "C", "D", "E"])
    corners = [rings[0][0] for rings in squares.values()]
    assert len(set(corners)) == 5
    assert {x for x, _ in corners} == {0.0, 1.0, 2.0}
