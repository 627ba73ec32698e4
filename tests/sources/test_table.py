import gzip
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import RejectReason
from streams.settings.faults import ConfigurationError
from streams.sources import Progress, UnusableRow
from streams.sources.columns import Column, title_key
from streams.sources.records import csv_records, json_records
from streams.sources.table import Row, Table, read_tables

COLUMNS = (
    Column(("Call Number",), may_be_empty=False),
    Column(("Neighborhood  District", "Neighborhooods - Analysis Boundaries")),
    Column(("Location",), required=False, longest=300),
)


def write(folder: Path, content: str | bytes, name: str = "calls.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, columns: tuple[Column, ...] = COLUMNS) -> list[Row | UnusableRow]:
    return list(Table(path, columns).read())


def values(path: Path) -> list[tuple[str, ...]]:
    return [row.values for row in read(path) if isinstance(row, Row)]


def broken(path: Path) -> list[UnusableRow]:
    return [row for row in read(path) if isinstance(row, UnusableRow)]


PLAIN = "Call Number,Neighborhood  District,Location\n7,Mission,here\n8,,\n"
WANTED = [("7", "Mission", "here"), ("8", "", "")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN, id="as exported"),
        pytest.param("\ufeff" + PLAIN, id="with a byte order mark"),
        pytest.param(PLAIN.replace("\n", "\r\n"), id="with Windows line ends"),
        pytest.param("\n\n" + PLAIN.replace("\n8", "\n\n8"), id="with blank lines"),
        pytest.param(PLAIN.rstrip("\n"), id="without a last line end"),
        pytest.param(
            "call_number,neighborhood_district,location\n7,Mission,here\n8,,\n", id="titles of the API"
        ),
        pytest.param(
            "LOCATION,x,Call  number,NEIGHBORHOOD DISTRICT\nhere,1,7,Mission\n,2,8,\n",
            id="other columns and order",
        ),
        pytest.param(
            "Call Number,Neighborhooods - Analysis Boundaries,Location\n7,Mission,here\n8,,\n",
            id="another title",
        ),
        pytest.param(
            '"Call Number","Neighborhood  District","Location"\n"7"," Mission ","here"\n8,,\n', id="quoted"
        ),
        pytest.param(gzip.compress(PLAIN.encode()), id="gzipped"),
        pytest.param(
            '[{"call_number":"7","neighborhood_district":"Mission","location":"here"}\n,{"call_number":"8"}]\n',
            id="API's array",
        ),
        pytest.param(
            '[{"call_number":7,"neighborhood_district":"Mission","location":"here"},{"call_number":8,"location":null}]',
            id="array on one line",
        ),
        pytest.param(
            '{"call_number":7,"neighborhood_district":"Mission","location":"here"}\n{"call_number":8}\n',
            id="JSON lines",
        ),
        pytest.param(
            json.dumps(
                [
                    {"call_number": 7, "neighborhood_district": "Mission", "location": "here"},
                    {"call_number": 8},
                ],
                indent=2,
            ),
            id="pretty array",
        ),
    ],
)
def test_one_table_in_many_spellings(tmp_path: Path, content: str | bytes) -> None:
    assert values(write(tmp_path, content)) == WANTED
    assert broken(write(tmp_path, content)) == []


def test_a_row_knows_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = write(tmp_path, 'Call Number,Neighborhood District\n7,"two\nlines"\n\n8,x\n')
    assert [row.line for row in read(path)] == [2, 5]
    path = write(
        tmp_path, '[\n  {"call_number": 7,\n   "x": 1},\n\n  {"call_number": 8}, {"call_number": 9}\n]'
    )
    assert [row.line for row in read(path)] == [2, 5, 5]


def test_values_of_json_are_texts_as_a_csv_would_have_them(tmp_path: Path) -> None:
    path = write(
        tmp_path, '[{"call_number": 7.5, "neighborhood_district": true, "location": {"a": [1, "ü"]}}]'
    )
    assert values(path) == [("7.5", "true", '{"a": [1, "ü"]}')]


def test_the_first_title_of_a_column_that_a_file_has_is_taken(tmp_path: Path) -> None:
    path = write(
        tmp_path, "Neighborhooods - Analysis Boundaries,Neighborhood District,Call Number\nnew,old,7\n"
    )
    assert values(path) == [("7", "old", "")]


def test_of_two_columns_of_one_title_the_first_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "Call Number,Neighborhood District,call_number\n7,x,8\n")
    assert values(path) == [("7", "x", "")]


@pytest.mark.parametrize(
    "one, other",
    [("Received DtTm", "received_dttm"), ("Größe (m)", "GRÖßE M"), ("  A--b ", "a b")],
)
def test_spellings_of_one_title_have_one_key(one: str, other: str) -> None:
    assert title_key(one) == title_key(other)


def test_titles_without_letters_keep_apart() -> None:
    assert title_key("#") != title_key("%")


def test_a_row_with_other_than_the_headers_number_of_fields_is_broken(tmp_path: Path) -> None:
    path = write(tmp_path, "Call Number,Neighborhood District\n7\n8,a\n9,a,b\n")
    assert values(path) == [("8", "a", "")]
    short, long = broken(path)
    assert (short.line, short.raw, short.reason) == (2, b"7", RejectReason.WRONG_TYPE)
    assert short.message == "the row has 1 fields, the header 2; mend or remove it"
    assert (long.line, long.raw) == (4, b"9,a,b")


def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    path = write(tmp_path, 'Call Number,Neighborhood District\n7,"open\n8,b\n9,"c\nd"\n')
    assert values(path) == [("8", "b", ""), ("9", "c\nd", "")]
    assert [row.raw for row in broken(path)] == [b'7,"open']


def test_a_stray_quote_far_from_the_next_one_costs_its_own_row_only(tmp_path: Path) -> None:
    rows = "".join(f"{n},{'x' * 90}\n" for n in range(2_000))  # more than the CSV reader takes for one field
    path = write(tmp_path, f'Call Number,Neighborhood District\n7,"open\n{rows}')
    assert len(values(path)) == 2_000
    (row,) = broken(path)
    assert row.message == "the row is no CSV row (field larger than field limit (131072)); mend or remove it"
    assert row.raw == b'7,"open'


@pytest.mark.parametrize(
    "content, message, raw",
    [
        (
            '{"call_number":7}\n{"call_number":oops}\n{"call_number":8}\n',
            "is no JSON (Expecting value)",
            b'{"call_number":oops}',
        ),
        (
            '{"call_number":7}\n{"call_number":"9\n{"call_number":8}\n',
            "is no JSON (Invalid control character at)",
            b'{"call_number":"9',
        ),
        ('[{"call_number":7},\n 5,\n {"call_number":8}]', "is no JSON object", b"5"),
        ('{"call_number":7}\n"a"\n{"call_number":8}', "is no JSON object", b'"a"'),
        (
            '{"call_number":7}\n{"call_number":8}\n{"call_number":',
            "is no JSON (Expecting value)",
            b'{"call_number":',
        ),
        ('{"call_number":7}\n{"call_number":\n{"call_number":8}\n', "is no JSON", b'{"call_number":'),
        (
            '{"call_number":7}\n' + "[" * 1 + '{"a":' * 100_000 + '\n{"call_number":8}\n',
            "nested too deeply",
            b'{"a":' * 100_000,
        ),
    ],
    ids=["no value", "open string", "number", "text", "breaks off", "open object", "nested"],
)
def test_broken_json_costs_its_own_row_only(tmp_path: Path, content: str, message: str, raw: bytes) -> None:
    path = write(tmp_path, content, "calls.json")
    assert [row[0] for row in values(path)] == ["7", "8"]
    (row,) = broken(path)
    assert message in row.message
    assert row.raw == raw
    assert row.field == ""


def test_an_object_without_end_is_given_up_in_time(tmp_path: Path) -> None:
    path = write(tmp_path, '{"call_number":7}\n{"a": [\n' + "1,\n" * 1_500)
    assert values(path) == [("7", "", "")]
    assert broken(path)[0].raw == b'{"a": ['


def test_bytes_that_are_no_utf8_do_no_harm_where_nobody_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path, b"Call Number,Neighborhood District,Address\n7,Mission,Stra\xdfe\n")
    assert values(path) == [("7", "Mission", "")]


def test_bytes_that_are_no_utf8_in_a_column_that_is_read_make_the_row_unusable(tmp_path: Path) -> None:
    path = write(tmp_path, b"Call Number,Neighborhood District\n7,Stra\xdfe\n8,\xc3\xbc\n")
    (row,) = broken(path)
    assert row.raw == b"7,Stra\xdfe"
    assert row.message == 'Neighborhood District must be UTF-8; convert the file (got "Stra\ufffde")'
    assert values(path) == [("8", "ü", "")]


def test_half_a_character_in_json_makes_the_row_unusable(tmp_path: Path) -> None:
    (row,) = broken(write(tmp_path, '{"call_number": "\\ud83d"}'))
    assert "call_number must be UTF-8" in row.message.replace("Call Number", "call_number")


def test_a_text_that_is_too_long_to_travel_makes_the_row_unusable(tmp_path: Path) -> None:
    path = write(tmp_path, f"Call Number,Location,Neighborhood District\n7,{'y' * 300},x\n8,,{'x' * 257}\n")
    assert values(path) == [("7", "x", "y" * 300)]
    (row,) = broken(path)
    assert row.message == f'Neighborhood District must have at most 256 characters (got "{"x" * 60}…")'


def test_all_missing_columns_are_said_in_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(write(tmp_path, "Call No,Location\n7,here\n"))
    assert str(error.value).endswith(
        'calls.csv lacks 2 columns: "Call Number"; "Neighborhood  District" or "Neighborhooods - Analysis Boundaries"; '
        'it has "Call No", "Location"; does --source fit the file?'
    )


def test_of_many_columns_some_are_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(50))
    with pytest.raises(
        ConfigurationError, match=r'lacks 2 columns: .* it has "c0", .*"c39" and 10 more; does'
    ):
        read(write(tmp_path, header))


def test_json_must_have_the_columns_that_are_never_empty(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'lacks 1 column: "Call Number"; it has "number"'):
        read(write(tmp_path, '[{"number": 7}]'))


def test_files_without_rows_have_none(tmp_path: Path) -> None:
    assert read(write(tmp_path, "Call Number,Neighborhood District\n")) == []
    assert read(write(tmp_path, "[]")) == []


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty; not even a header is there"),
        (b"\n \n", "is empty; not even a header is there"),
        (b"PK\x03\x04\0\0rows", "is no text; CSV or JSON in UTF-8 is needed, gzipped or not"),
        (
            b"\x8f\x91,\x02\n1,2\n",
            "is no text, or none in UTF-8; CSV or JSON in UTF-8 is needed, gzipped or not",
        ),
        (b"Stra\xdfe\n1\n", "is no text, or none in UTF-8; CSV or JSON in UTF-8 is needed, gzipped or not"),
        (b'x,"y\r\nz\x0b"\n1,2\n', 'lacks 1 column: "a"; it has "x", "y z"; does --source fit the file?'),
        (gzip.compress(b"a,b\n" * 5_000)[:-20], "breaks off after row"),
        (b"\x1f\x8b oops, no gzip", "is damaged after row 0"),
        (gzip.compress(PLAIN.encode())[:10] + b"\xff" * 30, "is damaged after row 0"),
        (
            b'"' + b"x" * 140_000,
            "has no header: line 1 is no CSV row (field larger than field limit (131072))",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "binary",
        "random",
        "not UTF-8",
        "titles of two lines",
        "cut gzip",
        "no gzip",
        "damaged gzip",
        "endless header",
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_fault(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(write(tmp_path, content), (Column(("a",)),))
    assert f"calls.csv {message}" in str(error.value)


def test_a_title_that_is_no_utf8_does_no_harm_where_nobody_reads_it(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"a,Stra\xdfe\n7,8\n"), (Column(("a",)),)) == [Row(2, ("7",))]


def test_a_file_without_any_object_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r'"Call Number"; it has none; does --source fit the file\?$'
    ):
        read(write(tmp_path, "[1]\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"nowhere\.csv cannot be read \(no such file or directory\); check the path"
    ):
        read(tmp_path / "nowhere.csv")


def test_faults_of_all_files_are_raised_together(tmp_path: Path) -> None:
    good = write(tmp_path, PLAIN)
    tables = read_tables([tmp_path / "a.csv", good, write(tmp_path, "x\n", "b.csv")], COLUMNS)
    seen: list[Row | UnusableRow] = []
    with pytest.raises(ConfigurationError) as error:
        seen.extend(row for _, row in tables)
    assert len(seen) == 2
    assert [fault.field.rsplit("/")[-1] for fault in error.value.faults] == ["a.csv", "b.csv"]


def test_another_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path, "Call Number;Neighborhood District\n7;a,b\n")
    assert [row.values for row in Table(path, COLUMNS, ";").read() if isinstance(row, Row)] == [
        ("7", "a,b", "")
    ]


def test_progress_is_told_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    noise = random.Random(1)
    rows = "".join(f"{n},{noise.random()}\n" for n in range(4_500))
    path = write(tmp_path, gzip.compress(f"Call Number,Neighborhood District\n{rows}".encode()))
    told: list[Progress] = []
    list(Table(path, COLUMNS).read(told.append))
    assert [progress.rows for progress in told] == [2_000, 4_000, 4_500]
    assert all(progress.bytes_total == path.stat().st_size for progress in told)
    assert told[0].bytes_read <= told[1].bytes_read <= told[2].bytes_read == told[2].bytes_total


def test_an_empty_cell_is_said_to_be_empty(tmp_path: Path) -> None:
    table = Table(write(tmp_path, "Call Number,Neighborhood District\n,x\n"), COLUMNS)
    next(table.read())
    row = table.unusable(0, "", RejectReason.MISSING_FIELD, "must name the call")
    assert row.message == "Call Number must name the call (it is empty)"


def lines_of(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


def written_lines(text: str) -> list[str]:
    return [line for line in lines_of(text) if line.strip("\r\n")]


@given(
    st.lists(st.lists(st.text(st.sampled_from('ab,"\n\r ')), min_size=2, max_size=3)),
    st.text(st.sampled_from('ab,"\n ')),
)
def test_no_byte_of_a_csv_is_lost(rows: list[list[str]], noise: str) -> None:
    text = "x,y\n" + noise + "\n" + "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)
    records = list(csv_records(lines_of(text)))
    kept = "".join(record.text for record in records)
    assert written_lines(kept) == written_lines(text)
    assert all(len(record.content) == 2 for record in records if not record.problem)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "ü", '"', "\n"]),
            st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
        ),
        max_size=5,
    ),
    st.sampled_from([None, 0, 2]),
)
def test_json_objects_are_found_in_every_layout(objects: list[dict[str, object]], indent: int | None) -> None:
    array = json.dumps(objects, indent=indent, ensure_ascii=False)
    lines = "\n".join(json.dumps(content) for content in objects)
    for text in (array, lines):
        records = list(json_records(lines_of(text)))
        assert [record.content for record in records] == objects
        assert not any(record.problem for record in records)


@pytest.mark.parametrize(
    "value, told, sent",
    [
        pytest.param("John Smith, 555-0199", '"John Smith, 555-0199"', "(not shown)", id="person"),
        pytest.param("2026-13-01", '"2026-13-01"', "(not shown)", id="many digits"),
        pytest.param("soon", '"soon"', "'soon'", id="word"),
    ],
)
def test_the_value_is_told_to_who_has_the_file_and_sent_only_where_it_names_nobody(
    value: str, told: str, sent: str
) -> None:
    row = UnusableRow(None, "f", 2, "date", value, RejectReason.WRONG_TYPE, "must be a time", b"")
    assert row.message == f"date must be a time (got {told})"
    assert row.message_to_send == f"date must be a time (got {sent})"
    assert row._replace(value="").message_to_send == "date must be a time (it is empty)"
    assert (
        row._replace(field="", value="", problem="the row is broken").message_to_send == "the row is broken"
    )
