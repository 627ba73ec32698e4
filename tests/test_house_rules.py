"""Rules of this repository that no other tool checks."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60  # without its docstring; most are under 30
LONG_FUNCTIONS_ALLOWED = {"streams/app.py: build_app"}  # wiring: long, but one straight line
CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
# Put together here, so that this file itself names none of them.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("registry", "npmjs", "org"),
        ("index", "crates", "io"),
        ("static", "crates", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    ]
]
REGISTRY_SETTINGS = r"index[-_]url\b|find[-_]links\b|<repositor(?:y|ies)>"
MACHINE_PATHS = r"(?<![\w.~-])/(?:work|root)/"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked(*patterns: str) -> list[Path]:
    """Files in the repository, or about to be, that match; text only."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and is_text(path := ROOT / name)]


def is_text(path: Path) -> bool:
    return path.is_file() and b"\0" not in path.read_bytes()[:4096]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_matching(pattern: str, *where: str) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()[:100]}"
        for path in tracked(*where)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if wanted.search(line)
    ]


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def lines_without_docstring(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def python_of_ours() -> list[Path]:
    found = tracked("streams/*.py", "schemas/*.py")
    assert found, "git lists no module; the rules below would check nothing"
    return found


def test_no_module_is_over_400_lines() -> None:
    long = {name_of(path): len(path.read_text().splitlines()) for path in python_of_ours()}
    assert {name: lines for name, lines in long.items() if lines > MAX_MODULE_LINES} == {}


def test_no_function_is_over_60_lines() -> None:
    long = {
        f"{name_of(path)}: {function.name}": lines
        for path in python_of_ours()
        for function in functions(path)
        if (lines := lines_without_docstring(function)) > MAX_FUNCTION_LINES
    }
    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS_ALLOWED} == {}


def test_core_reads_no_clock() -> None:
    reads = [
        f"{name_of(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in tracked("streams/core/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
    ]
    assert reads == []


def test_nothing_is_left_open() -> None:
    pattern = r"\b(TODO|FIXME|XXX|NotImplementedError)\b"
    assert lines_matching(pattern, "streams", "schemas", "deploy", "bench", "Makefile", "*.md") == []


def test_no_path_of_a_machine_is_named() -> None:
    assert lines_matching(MACHINE_PATHS) == []


def test_no_package_registry_is_named() -> None:
    hosts = "|".join(re.escape(host) for host in REGISTRY_HOSTS)
    here = name_of(Path(__file__))
    assert [
        line for line in lines_matching(f"{hosts}|{REGISTRY_SETTINGS}") if not line.startswith(here)
    ] == []


def test_names_say_what_they_are() -> None:
    vague = re.compile(r"manager|helper|utils?\b", re.IGNORECASE)
    named = [
        f"{name_of(path)}: {node.name}"
        for path in python_of_ours()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | Function) and vague.search(node.name)
    ]
    assert named + [name_of(path) for path in python_of_ours() if vague.search(path.stem)] == []


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + [
        one for extra in project["optional-dependencies"].values() for one in extra
    ]


@pytest.mark.parametrize("requirement", requirements())
def test_requirement_is_pinned_the_same_in_constraints(requirement: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", requirement), "a requirement is pinned exactly: name==version"
    assert f"\n{requirement} \\\n" in "\n" + (ROOT / "constraints.txt").read_text(), "run: make constraints"


def test_every_pinned_package_has_a_hash() -> None:
    text = (ROOT / "constraints.txt").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) > len(requirements())
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize(
    "line, found",
    [
        pytest.param("cd /wo" + "rk/main", True, id="machine path"),
        pytest.param("see /ro" + "ot/.cache", True, id="home of root"),
        pytest.param("https://city.example/wo" + "rk/orders", False, id="part of an address"),
        pytest.param("teamwork/root causes", False, id="part of a word"),
    ],
)
def test_machine_paths_are_told_from_other_words(line: str, *, found: bool) -> None:
    assert bool(re.search(MACHINE_PATHS, line)) is found
