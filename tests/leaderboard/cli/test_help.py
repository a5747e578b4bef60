"""Help is made of the docstrings, in paragraphs that fill the terminal, and names every option there is."""

import contextlib
import io
import re
import shlex
import textwrap
from itertools import pairwise

import pytest
import tyro

from ntm_leaderboard import cli
from ntm_leaderboard.cli import parsing
from ntm_leaderboard.cli.help import INDENT, WIDEST
from ntm_leaderboard.cli.options import groups
from ntm_leaderboard.cli.terminal import console
from ntm_leaderboard.docstrings import description

COMMANDS = (
    "tasks",
    "agents",
    "train",
    "tune",
    "evaluate",
    "bench",
    "watch",
    "leaderboard",
    "submit",
    "verify",
)
FLAG = re.compile(r"--[a-z][\w.-]*")


@pytest.fixture
def helped(monkeypatch, capsys):
    """Return a function that asks a command for help at a width: what it prints, and its options."""

    def helped(command, width):
        asked = []
        printer = parsing.print_help
        monkeypatch.setattr(console, "width", width)
        monkeypatch.setattr(parsing, "print_help", lambda c, o, n: asked.append(o) or printer(c, o, n))
        with pytest.raises(SystemExit) as stop:
            cli.main([command, "--help"])
        assert stop.value.code == 0
        return capsys.readouterr().out, asked[0]

    return helped


def bare(text):
    return "".join(text.split())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_docstrings_are_there_whole_and_fill_the_width(helped, command, width):
    printed, options = helped(command, width)
    head, shown = re.split(r"\n\n(?=(?:arguments|options):\n)", printed.partition("\n\n")[2], maxsplit=1)
    assert head.split("\n\n") == [textwrap.fill(text, min(width, WIDEST)) for text in description(options)]
    body = bare(shown)
    for group in groups(options):
        assert all(bare(text) in body for text in group.text if group.title != "options")
        assert all(bare(option.text) in body for option in group.options)
    limit = min(width, WIDEST)
    texts = [line for line in printed.splitlines() if line.startswith(" " * INDENT)]
    for line, following in pairwise(texts):
        assert len(line) <= limit
        if printed.count(f"{line}\n{following}\n"):  # it is not the last of its paragraph
            assert len(line) + 1 + len(following.split()[0]) > limit, line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_the_parser_is_there_and_no_other(helped, command):
    printed, options = helped(command, 100)
    tyros = io.StringIO()
    with contextlib.redirect_stdout(tyros), pytest.raises(SystemExit):
        tyro.cli(options, args=["--help"], registry=parsing._REGISTRY)
    taken = {
        flag
        for line in tyros.getvalue().splitlines()
        if re.match(r"\W*--", line)
        for flag in FLAG.findall(re.split(r"\s{2,}", line.strip("│| "))[0])
    }
    invoked = [line for line in printed.splitlines() if re.match(r"  -", line)]
    assert {flag for line in invoked for flag in FLAG.findall(line)} == taken | {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_is_a_command_with_options_that_there_are(helped, command):
    printed, _ = helped(command, 80)
    example = shlex.split(printed.partition("\nexample:\n")[2])
    assert example[:2] == ["ntm-envs", command]
    assert set(FLAG.findall(" ".join(example))) <= set(FLAG.findall(printed.partition("\nexample:\n")[0]))


def test_defaults_are_those_of_the_recipe(helped, capsys):
    printed, _ = helped("train", 80)
    options = dict(re.findall(r"^  (--\S+) .*\n((?: {6}.*\n)+)", printed, re.MULTILINE))
    assert "(default: 48000)" in options["--sequences"]
    assert "(default: blank 0.1)" in " ".join(options["--task-overrides"].split())
    assert "default" not in options["--curriculum"]  # it has none
    with pytest.raises(SystemExit):
        cli.main(["train", "--agent", "lstm", "--task", "ngrams", "--help"])
    assert "--model.forget-bias" in capsys.readouterr().out


def test_a_placeholder_is_the_type_of_a_value(helped):
    printed, _ = helped("train", 80)
    assert "\n  --model.key-width INT\n" in printed  # an integer with a bound, or None
    assert "\n  --learning-rate FLOAT\n" in printed


def test_every_command_has_a_line(capsys):
    assert cli.main([]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ntm-envs")]
    assert {line[1] for line in lines} == set(COMMANDS)
    assert all(len(line) > 3 for line in lines)
