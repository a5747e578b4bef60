"""Mistakes on the command line get one line that names them and suggests a fix; nothing is written."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from own_files import MODEL, TINY

from ntm_leaderboard import cli
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import parsing, watch
from ntm_leaderboard.cli.options import Group, Option
from ntm_leaderboard.harness.recipes import MODEL_OPTIONS, TRAIN_OPTIONS
from ntm_leaderboard.wording import command


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "--task", "coppy"], "did you mean 'copy'"),
        (["train", "--agent", "ntmm"], "did you mean 'ntm'"),
        (
            ["train", "--agent", "./mine.py"],
            "expected the name of the agent in it too, such as ./mine.py:Name",
        ),
        (["train", "--agent", "./mine:Mine"], "'./mine:Mine' is not a reference"),
        (["train", "--output", ""], "--output is empty, perhaps as a variable of the shell is not set"),
        (["evaluate", ""], "an argument is empty"),
        (["submit"], "no evaluated run in no folder"),
        (
            ["submit", ".", "--held-at", "ftp://x"],
            "held_at is 'ftp://x'; expected an address such as https",
        ),
        (["train", "--agent", "oracle"], "does not learn"),
        (
            ["train", "--agent", "ntm_agents:Jump"],
            "unknown name in ntm_agents 'Jump'; did you mean 'JumpNTM'? Known: A",
        ),
        (["train", "--sequences", "0"], "sequences is 0"),
        (["train", "--model.hidden-size", "0"], "hidden_size is 0"),
        (["evaluate"], "one of the two"),
        (["evaluate", "--agent", ""], "--agent is empty"),
        (["evaluate", "--agent", "oracle", "--device", "cudaa"], "device is 'cudaa'"),
        (["evaluate", "--agent", "oracle", "--output", "."], ". is no plain file"),
        (["evaluate", "--agent", "oracle", "--output", "a" * 256], f"{'a' * 256}: File name too long"),
        (["leaderboard", "serve", "--port", "99999"], "port is 99999; expected 0 to 65535"),
        (["leaderboard", "serve", "--port", "-1"], "port is -1; expected 0 to 65535"),
        (["evaluate", "nowhere"], "no run in nowhere"),
        (["evaluate", "--agent", "lstm"], "has to be trained first"),
        (
            ["evaluate", "--agent", "oracle", "--up-to", "3"],
            "no rung of copy is up to 3; the smallest",
        ),
        (["evaluate", "--agent", "oracle", "--sequences", "0"], "sequences is 0"),
        (["train", "--device", "cudaa"], "device is 'cudaa'"),
        (["train", "--seed", "-1"], "seed is -1"),
        (["train", "--threads", "0"], "the number of threads is 0; expected at least 1"),
        (["evaluate", "--agent", "oracle", "--threads", "0"], "the number of threads is 0"),
        (["train", "--curriculum", "lenth", "3"], "curriculum has lenth=3"),
        (["train", "--task", "repeat_copy", "--curriculum", "length", "30"], "curriculum has length=30"),
        (["bench", "--seeds", "0"], "seeds is 0"),
        (["bench", "--seeds", "1000000000"], "seeds is 1000000000; expected 1 to 1000"),
        (["bench", "--sequences", "-1"], "sequences is -1"),
        (["bench", "--output", "mine.py/out"], "mine.py/out: Not a directory"),
        (["bench", "--output", "mine.py"], "mine.py: File exists"),
        (["bench", "--jobs", "0"], "jobs is 0"),
        (["bench", "--jobs", "0", "--launcher", "ray"], "jobs is 0"),
        (["bench", "--address", "auto"], "--address is auto, which needs --launcher ray"),
        (["bench", "--launcher", "ray", "--address", "ray://a:1"], "run the command on one of its nodes"),
        (["bench", "--budget", "0"], "budget is 0"),
        (["bench", "--agents", "./mine.py:Mine", "./other.py:Mine"], "would share the folder"),
        (["evaluate", "--agent", "oracle", "--output", "mine.py"], "choose another --output, or delete it"),
        (["verify", ".", "--verifier", "\t"], r"verifier is '\t'; expected 1 to 200 printable characters"),
        (["verify", ".", "--verifier", "\udcff"], r"verifier is '\udcff'"),
        (["verify", ".", "--minutes", "0"], "minutes is 0.0; expected a finite number above 0"),
        (["verify", ".", "--gibibytes", "inf"], "gibibytes is inf; expected a finite number above 0"),
        (["watch", "--repeats", "5"], "unknown option --repeats; see"),
        (["watch", "--seed=5", "--length", "2"], "unknown option --seed; see"),
        (["watch", "--fps", "0"], "fps is 0"),
        (["watch", "--fps", "nan"], "fps is nan"),
        (["watch", "--length", "2", "--output", "mine.py/x.gif"], "mine.py: File exists"),
        (["watch", "--length", "2", "--output", f"{'a' * 252}.gif"], "File name too long"),
        (["watch", "--agent", "lstm"], "has to be trained first"),
        (["watch", "--output", "x.jpg"], "neither a .gif nor a .png"),
        (["bench", "--agents", "ntmm"], "did you mean 'ntm'"),
    ],
)
def test_mistakes_get_an_answer_that_helps(home, capsys, argv, message):
    try:
        code = cli.main(argv)
    except SystemExit as stop:  # the parser's own way of ending
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("ntm-envs: ")
    assert error.count("\n") == 1
    assert not Path("runs").exists()


def test_a_port_that_is_taken_is_found_before_the_page_is_made(home, capsys, monkeypatch):
    monkeypatch.setattr("ntm_leaderboard.page.site.build", None)
    monkeypatch.setattr(Boards, "read", lambda *_, **__: Boards.of([]))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["leaderboard", "serve", "--port", str(port)]) == 2
    assert f"port {port} cannot be used (Address already in use); choose another" in capsys.readouterr().err


def test_errors_in_a_custom_file_name_the_line(home, capsys):
    Path("mine.py").write_text(
        MODEL.replace("return self.oracle.act", "raise ValueError('mine'); return"), encoding="utf-8"
    )
    assert cli.main(["evaluate", "--agent", "./mine.py:Acts", "--task", "copy", "--up-to", "20"]) == 2
    error = "".join(capsys.readouterr().err.split())  # it may be wrapped
    assert "mine.py" in error
    assert "line" in error


def test_of_an_option_that_is_there_twice_the_last_one_counts(home):
    command = ["train", "--agent", "lstm", "--task", "copy", "--task", "parity", "--seed", "1", "--seed", "2"]
    assert cli.main([*command, *TINY]) == 0
    run = json.loads(Path("runs/parity-lstm-2/config.json").read_text(encoding="utf-8"))
    assert (run["task"], run["seed"]) == ("parity", 2)


OLD = {
    **{f"--model.{old}": f"--model.{new}" for old, new in MODEL_OPTIONS.items()},
    **{f"--{old}": f"--{new}" for old, new in TRAIN_OPTIONS.items()},
}


@pytest.mark.parametrize("old", OLD)
def test_a_name_of_the_past_gets_the_present_one(old):
    every = [Group("", [], [Option(new.replace("_", "-"), int, 0, "", None, False) for new in OLD.values()])]
    typed = old.replace("_", "-")
    assert parsing._unknown([typed, "1"], every, "train") == (
        f"unknown option {typed}; did you mean {OLD[old].replace('_', '-')}?"
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("train --model.units 64", "unknown option --model.units; did you mean --model.hidden-size?"),
        ("train --model.units=64", "unknown option --model.units; did you mean --model.hidden-size?"),
        ("train --model.no-orthogonal", "did you mean --model.no-orthogonal-init?"),
        ("train --clip-norm 1", "unknown option --clip-norm; did you mean --max-grad-norm?"),
        ("train --hidden-size 64", "unknown option --hidden-size; did you mean --model.hidden-size?"),
        ("train --model.jump True", "unknown option --model.jump; see ntm-envs train --help"),
        ("train --model.hiden-size 1", "did you mean --model.hidden-size?"),
        ("train --learning-rat 1", "unknown option --learning-rat; did you mean --learning-rate?"),
        ("bench --no-such-thing", "unknown option --no-such-thing; see ntm-envs bench --help"),
        ("evaluate one two", "unexpected argument 'two'"),
        ("verify", "missing argument FOLDER"),
        ("leaderboard shw", "invalid choice 'shw'"),
        ("bench --seeds", "Missing value for argument '--seeds'"),
        ("bench --seeds many", "--seeds"),
    ],
)
def test_an_option_that_there_is_not_gets_the_one_that_was_meant(home, capsys, argv, message):
    assert cli.main(argv.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("ntm-envs: ")
    assert error.count("\n") == 1
    assert message in error


def test_a_model_of_ones_own_may_have_options_of_any_name(home, capsys):
    own = MODEL.replace("gain: float", "units: float").replace("= gain", "= units")
    Path("mine.py").write_text(own, encoding="utf-8")
    command = ["train", "--agent", "./mine.py:Mine", "--task", "copy", "--output", "runs/a"]
    assert cli.main([*command, "--model.units", "2", *TINY]) == 0
    assert json.loads(Path("runs/a/config.json").read_text(encoding="utf-8"))["model"] == {"units": 2.0}
    assert cli.main([*command, "--model.unitss", "2"]) == 2
    assert "did you mean --model.units?" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("columns", [40, 80, 400])
def test_errors_of_the_parser_are_one_line_whatever_the_terminal(encoding, columns):
    environ = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": str(columns)}
    command = [sys.executable, "-m", "ntm_leaderboard", "train", "--model.hidden-size", "0"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "ntm-envs: Error parsing model: hidden_size is 0; expected an integer of at least 1. "
        "See ntm-envs train --help\n"
    )


def test_commands_can_be_copied_whatever_the_names_of_folders():
    assert command("evaluate", Path("my runs/ü")) == "ntm-envs evaluate 'my runs/ü'"
    with pytest.raises(
        ValueError, match=r"comes after an option; expected: ntm-envs watch 'a b' \[OPTIONS\]"
    ):
        watch.main(["--length", "3", "a b"])
