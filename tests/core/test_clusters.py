"""Zones that rise together: which groups are looked at, and what they say of a zone."""

import pytest

from streams.core.clusters import Group, Seen, groups
from streams.core.evidence import WEIGHTS, WINDOW_HOURS, ratio, terms

# A ─ B ─ C ─ D    E (alone)
NEAR = {"A": ("B",), "B": ("A", "C"), "C": ("B", "D"), "D": ("C",), "E": ()}
MEANS = [0.1 * hours for hours in WINDOW_HOURS]
SPREAD = (1.2, 0.07)


def told(counts: dict[str, int], zone: str) -> Group | None:
    """Evidence for `zone` where each zone had so many incidents in the last hour."""

    def look(other: str) -> Seen | None:
        return None if other not in counts else ([counts[other]] * 7, MEANS)

    own = [counts[zone]] * 7
    return groups((zone, own, MEANS), terms(own, MEANS, *SPREAD), NEAR, look, SPREAD)


def test_two_zones_say_more_than_each_alone() -> None:
    group = told({"A": 2, "B": 2}, "A")
    assert group is not None
    assert group.zones == ("A", "B")
    assert (group.observed, group.expected) == (4, pytest.approx(0.2))
    assert group.evidence > WEIGHTS[0] * ratio(2, 0.1, 1, *SPREAD)


def test_the_zone_in_question_comes_first() -> None:
    group = told({"A": 2, "B": 2}, "B")
    assert group is not None
    assert group.zones == ("B", "A")


def test_a_chain_of_three_is_one_group() -> None:
    group = told({"A": 2, "B": 2, "C": 2}, "A")
    assert group is not None
    assert group.zones == ("A", "B", "C")
    assert group.observed == 6


def test_zones_that_do_not_touch_are_no_group() -> None:
    assert told({"A": 3, "C": 3}, "A") is None
    assert told({"A": 3, "E": 3}, "E") is None


def test_a_zone_without_neighbours_stands_alone() -> None:
    assert told({"E": 5}, "E") is None


def test_a_quiet_zone_does_not_join() -> None:
    assert told({"A": 4, "B": 0}, "A") is None


def test_a_quiet_zone_is_not_pulled_in_by_its_neighbour() -> None:
    assert told({"A": 0, "B": 9}, "A") is None


def test_a_strong_neighbour_explains_itself() -> None:
    """One incident beside a great surge is not news of its own: the group is judged against the surge alone."""
    group = told({"A": 1, "B": 12}, "A")
    assert group is not None
    strong = told({"A": 4, "B": 4}, "A")
    assert strong is not None
    assert group.evidence < strong.evidence
