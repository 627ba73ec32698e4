"""`vigil demo` as somebody who types it sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

VIGIL = str(Path(sys.executable).parent / "vigil")


@pytest.mark.slow
def test_demo_runs_a_city_with_metrics_and_ends_with_a_summary(tmp_path: Path) -> None:
    environment = {**os.environ, "VIGIL_WEB_PORT": "0", "TMPDIR": str(tmp_path)}
    command = [VIGIL, "demo", "--seconds", "60", "--plain"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        first = demo.stdout.readline()
        assert first.startswith("metrics: http://127.0.0.1:")
        answered = ""
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "is live" in line:
                with urlopen(first.split()[1], timeout=10) as answer:
                    answered = answer.read().decode()
    assert demo.returncode == 0
    assert "vigil_incidents" in answered
    summary = json.loads(lines[-1])
    assert {"events", "incidents", "late_events", "metrics_url"} <= summary.keys()
    assert summary["alerts_raised"] >= 1
    assert summary["alerts_cleared"] >= 1
    assert summary["dead_letters"] >= 1
    assert list(tmp_path.iterdir()) == []  # nothing is kept
