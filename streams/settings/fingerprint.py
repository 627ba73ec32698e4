"""A short text that changes whenever what is counted changes, and only then."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from streams.core.kpis import KPI_WINDOWS_MS
from streams.settings.files import ZonesFile
from streams.settings.jurisdictions import Jurisdiction
from streams.settings.tree import Settings

FORMAT: Final = 1
"""Of what goes into the fingerprint; raised when the fold's own code changes a partial."""

_LENGTH: Final = (
    12  # hexadecimal digits: one chance in 280,000,000,000,000 that two differing configurations agree
)


def counting_fingerprint(settings: Settings) -> str:
    """Twelve hexadecimal digits over everything that decides what is counted.

    Windows, pane, lateness, the time that counts, type maps, zones (their content, not where the file lies), KPI
    buckets (so: a new goal), and which jurisdictions are listed. Not: brokers, topics, ports, detection.
    """
    counting = settings.counting
    said = {
        "format": FORMAT,
        "pane_ms": counting.pane_ms,
        "windows": sorted([window.name, window.length_ms] for window in counting.windows),
        "out_of_orderness_ms": counting.out_of_orderness_ms,
        "allowed_lateness_ms": counting.allowed_lateness_ms,
        "counts_at": str(counting.counts_at),
        "buckets_s": list(settings.kpi_bounds_s),
        "defaults": _jurisdiction(settings.defaults),
        "jurisdictions": {name: _jurisdiction(each) for name, each in settings.jurisdictions.items()},
    }
    if counting.longest_window_ms < max(KPI_WINDOWS_MS.values()):
        said["calls_last_ms"] = max(KPI_WINDOWS_MS.values())  # else as long as the windows, which are said
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _jurisdiction(jurisdiction: Jurisdiction) -> dict[str, Any]:
    return {
        "type_map": {code: str(kind) for code, kind in jurisdiction.type_map.items()},
        "zones": _zones(jurisdiction.zones),
    }


def _zones(zones: ZonesFile | None) -> list[str] | None:
    return None if zones is None else [_content_hash(zones.path), zones.property or ""]


def _content_hash(path: Path) -> str:
    """SHA-256 of a file's content, the same whether it is gzipped or not."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return hashlib.sha256(content).hexdigest()
