"""Messages quote words of publishers where they are codes, and nothing that may be of a person."""

import pytest

from schemas.quoting import quoted


@pytest.mark.parametrize("word", ["ENRT", "en_route", "B04", "Z12", "i2", "", "springfield"])
def test_codes_are_quoted(word: str) -> None:
    assert quoted(word) == quoted(word.encode()) == repr(word)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Jane Roe", id="name"),
        pytest.param("555-0147", id="phone"),
        pytest.param("7ABC123", id="plate"),
        pytest.param("1200 W Elm St", id="address"),
        pytest.param("jane@roe.example", id="mail"),
        pytest.param("x" * 25, id="long"),
        pytest.param("ENRT\n", id="more lines"),
        pytest.param("Ünal", id="other letters"),
        pytest.param("٣", id="other digits"),
    ],
)
def test_what_may_be_of_a_person_is_not_shown(text: str) -> None:
    assert quoted(text) == quoted(text.encode()) == "(not shown)"
    assert quoted(b"\xff") == "(not shown)"
