"""Files have the same encoding on every machine, whatever its locale."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path for folder in ("ntm_envs", "agents", "baselines", "leaderboard", "benchmarks", "tests")
    for path in (ROOT / folder).rglob("*.py")
]  # fmt: skip
TEXT_MODES = ("r", "w", "a", "x")


def in_the_encoding_of_the_locale(source: str) -> Iterator[int]:
    """Yield the lines of calls that read or write text without an encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(word.arg in ("encoding", None) for word in node.keywords):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        mode = node.args[-1] if node.args else ast.Constant("r")
        text = isinstance(mode, ast.Constant) and mode.value in TEXT_MODES
        if called in ("read_text", "write_text") or (called == "open" and text):
            yield node.lineno


@pytest.mark.parametrize(
    "call", ["path.read_text()", "path.write_text(x)", 'path.open("a")', "path.open()", 'open(path, "w")']
)
def test_a_call_without_an_encoding_is_found(call):
    assert list(in_the_encoding_of_the_locale(call)) == [1]


@pytest.mark.parametrize(
    "call", ['path.read_text(encoding="utf-8")', "path.read_bytes()", 'path.open("ab")', "Image.open(path)"]
)
def test_other_calls_are_not(call):
    assert not list(in_the_encoding_of_the_locale(call))


def test_all_files_are_read_and_written_in_a_named_encoding():
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := list(in_the_encoding_of_the_locale(path.read_text(encoding="utf-8"))))
    }
    assert not found
