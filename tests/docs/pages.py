"""The code blocks of a page, in order: files that it shows, commands to run, and what it says is not run.

<!-- file: calls.csv -->      the next block is a file
```sh                         commands, run together as one script that must succeed
```sh exit-1                  the same, where the script must end with 1
```sh WORD                    … whatever a test makes of the word
<!-- not run: why -->         the next block is not run
"""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120
_BLOCK = re.compile(
    r"(?:^ *<!-- (file|not run): ([^\n]+?) -->\n)?^( *)```([^\n]*)\n(.*?)^\3```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """One code block."""

    kind: str  # "sh", "sh exit-1", "python", …
    body: str
    file: str | None = None
    not_run: str | None = None


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, named from the root of the repository."""
    text = (ROOT / page).read_text()
    assert len(re.findall(r"^ *```", text, re.M)) % 2 == 0, f"{page}: a code block has no end"
    return [
        Block(
            kind, textwrap.dedent(body), name if what == "file" else None, name if what == "not run" else None
        )
        for what, name, _, kind, body in _BLOCK.findall(text)
    ]


def run(script: str, folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a block of commands as one script, with the tools of this environment first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a script said, for the message of an assertion."""
    return f"exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
