"""Output fits every encoding, is visible whoever wrote it, and failures of the output get one line."""

import errno
import io
import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.text import Text

from ntm_leaderboard import cli
from ntm_leaderboard.cli import terminal
from ntm_leaderboard.cli.terminal import one_line, plain, visible

HOSTILE = (
    "\x1b[32mverified",
    "\x1b]8;;https://example.org\x07",
    "\x9b2J",
    "\rverified",
    "\u202everified",
    "\u200b",
)
"""Escape sequences, C1 control characters, a carriage return, a reversal of direction, and no width."""


def encoded(monkeypatch, name, encoding):
    """Replace a standard stream by one of an encoding, and return its bytes."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(written, encoding=encoding, write_through=True))
    return written


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "command",
    [
        "agents",
        "tasks",
        "watch --length 3",
        "watch --agent nearest --task one_shot --classes 2 --shots 1",
        "evaluate --agent oracle --up-to 20 --sequences 2 --output r.json",
        "train --help",
    ],
)
def test_every_encoding_does(home, monkeypatch, command, encoding):
    written = encoded(monkeypatch, "stdout", encoding)
    with suppress(SystemExit):  # after help
        assert cli.main(command.split()) == 0
    assert written.getvalue().decode(encoding)
    assert b"\\u" not in written.getvalue()  # all that is ours has a substitute


def test_errors_fit_the_encoding_too(home, monkeypatch):
    written = encoded(monkeypatch, "stderr", "ascii")
    assert cli.main(["evaluate", "für\udcff"]) == 2
    assert written.getvalue().startswith(rb"ntm-envs: there is no run in f\xfcr\udcff")


@given(st.text())
@example("a\n\tb")
def test_what_is_visible_cannot_move_the_cursor_and_tells_what_it_was(text):
    shown = visible(text)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert visible(shown) == shown
    if text.isprintable():
        assert shown == text


@given(st.text())
@example("a\nntm-envs: verified\x85\u2028b")
def test_a_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(alphabet="[]\\/abcred= #\n"))
@example("[red]a[/red] [link=https://example.org]b[/link]")
def test_markup_of_others_is_text(text):
    assert Text.from_markup(f"[bold]{plain(text)}[/]").plain == one_line(text)


def strings(value, path=()):
    """Yield the paths of all strings of a JSON value, with the keys of objects."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from strings(inner, (*path, i))
    elif isinstance(value, str):
        yield path


def replaced(value, path, new):
    """Return a JSON value with another string at a path."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy


@pytest.mark.parametrize("terminal_like", [False, True])
def test_nothing_of_a_result_reaches_the_terminal_as_a_control(home, monkeypatch, capsys, terminal_like):
    if terminal_like:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(terminal.console, "is_interactive", True)
    command = ["evaluate", "--agent", "./mine.py:Acts", "--up-to", "20", "--sequences", "2"]
    assert cli.main([*command, "--output", "r.json"]) == 0
    record = json.loads(Path("r.json").read_text(encoding="utf-8"))
    address = {"address": "https://example.org/", "sha256": "0" * 64}
    folder = Path("\x1b[32mresults")
    folder.mkdir()
    everything = "".join(HOSTILE) + "[link=https://example.org]x[/link]"
    for path in [*strings(record), ("held", "address"), ("rungs", 0, "sizes", everything), (everything,)]:
        changed = record | {"held": address} if path[0] == "held" else record
        for new in (everything, changed.get(path[0], "") + everything) if len(path) == 1 else [everything]:
            hostile = replaced(changed, path, new if path[0] != "rungs" else 1)
            (folder / "result.json").write_text(json.dumps(hostile), encoding="utf-8")
            for command in ("leaderboard show --alone --results", "verify", "submit", "evaluate"):
                cli.main([*command.split(), str(folder)])
    printed = capsys.readouterr()
    assert "x1b[32mresults" in printed.err
    for text in (printed.out, printed.err):
        assert not [part for part in HOSTILE if part in text]
        assert terminal_like or "\x1b" not in text
    assert ("\x1b[2K" in printed.out) == terminal_like  # the console's own movements are none of others
    assert "\\x1b[2K" not in printed.out


class Full(io.RawIOBase):
    """A file that takes nothing."""

    def __init__(self, number):
        self.number = number

    def writable(self):
        return True

    def write(self, data):
        if self.number:
            raise OSError(self.number, "no room")
        return len(data)


@pytest.mark.parametrize("command", ["--version", "tasks"])
@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 2), (errno.EPIPE, 141)])
def test_an_output_that_takes_nothing_gets_one_line_and_a_closed_pipe_none(
    monkeypatch, capsys, command, number, code
):
    full = Full(number)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(full), encoding="utf-8"))
    assert cli.main([command]) == code
    error = capsys.readouterr().err
    assert error == ("ntm-envs: the output cannot be written: no room\n" if code == 2 else "")
    full.number = 0  # what is left is written when the file is closed


@pytest.mark.parametrize("message", ["", "stopped at 5 sequences"])
def test_an_interrupt_gets_one_line(monkeypatch, capsys, message):
    def interrupted(argv):
        raise KeyboardInterrupt(message)

    monkeypatch.setattr("ntm_leaderboard.cli.tasks.main", interrupted)
    assert cli.main(["tasks"]) == 130
    assert capsys.readouterr().err == f"ntm-envs: {message or 'stopped'}\n"


def test_a_mistake_in_code_is_located_and_ends_with_its_line(monkeypatch, capsys):
    def mistaken(argv):
        raise ZeroDivisionError("by \x1b[0m")

    monkeypatch.setattr("ntm_leaderboard.cli.tasks.main", mistaken)
    assert cli.main(["tasks"]) == 2
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.endswith("\nntm-envs: ZeroDivisionError: by \\x1b[0m\n")


def test_the_substitutes_are_ascii():
    assert all(substitute.isascii() for substitute in terminal.SUBSTITUTES.values())
