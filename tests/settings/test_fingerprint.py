"""The fingerprint changes whenever what is counted changes, and only then."""

import gzip

import pytest

from streams.settings.fingerprint import counting_fingerprint
from tests.settings.settings_files import Files

CITY = (
    '[jurisdictions.sf]\nzones = "zones.geojson"\n[jurisdictions.sf.type_map]\na = "arson"\nb = "burglary"\n'
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[counting]\npane = "30s"\n', id="pane"),
        pytest.param('[counting]\nwindows = ["1h"]\n', id="windows"),
        pytest.param('[counting]\nout_of_orderness = "2m"\n', id="out of orderness"),
        pytest.param('[counting]\nallowed_lateness = "2h"\n', id="lateness"),
        pytest.param('[counting]\ncounts_at = "occurred_at"\n', id="the time that counts"),
        pytest.param('[[defaults.benchmarks]]\nkpi = "turnout"\nthreshold = "91s"\n', id="KPI bucket"),
        pytest.param('[defaults]\nzones = "zones.geojson"\n', id="zones"),
        pytest.param('[defaults]\nzones = "zones.geojson:name"\n', id="property of the zones"),
        pytest.param('[defaults.type_map]\na = "arson"\n', id="type map"),
        pytest.param("[jurisdictions.sf]\n", id="listed jurisdiction"),
    ],
)
def test_change_of_what_is_counted_changes_it(files: Files, text: str) -> None:
    files.write("zones.geojson", "{}")
    assert counting_fingerprint(files.load(text)) != counting_fingerprint(files.load(""))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[counting]\nversion = 2\n", id="the version itself"),
        pytest.param('broker = "kafka:1"\ntopic_prefix = "x"\n', id="broker and prefix"),
        pytest.param("[web]\nport = 1\n", id="port"),
        pytest.param('[defaults]\ntime_zone = "America/Chicago"\n', id="time zone"),
        pytest.param('[counting]\nwindows = ["7d", "24h", "6h", "1h", "15m"]\n', id="order of windows"),
    ],
)
def test_change_of_anything_else_does_not(files: Files, text: str) -> None:
    assert counting_fingerprint(files.load(text)) == counting_fingerprint(files.load(""))


def test_content_of_zones_counts_not_their_file(files: Files) -> None:
    files.write("zones.geojson", "{}")
    plain = counting_fingerprint(files.load(CITY))
    (files.folder / "other.geojson.gz").write_bytes(gzip.compress(b"{}"))
    assert counting_fingerprint(files.load(CITY.replace("zones.geojson", "other.geojson.gz"))) == plain
    files.write("zones.geojson", "{ }")
    assert counting_fingerprint(files.load(CITY)) != plain


def test_order_in_the_file_does_not_count(files: Files) -> None:
    files.write("zones.geojson", "{}")
    turned = CITY.replace('a = "arson"\nb = "burglary"', 'b = "burglary"\na = "arson"')
    assert counting_fingerprint(files.load(turned)) == counting_fingerprint(files.load(CITY))


def test_it_is_the_same_on_every_machine(files: Files) -> None:
    assert counting_fingerprint(files.load("")) == "d75d6dbf92d8"
