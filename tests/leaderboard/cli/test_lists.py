"""Lists of commands, tasks and agents, the version, and an episode to watch."""

import subprocess
import sys
from importlib.metadata import version

import pytest
from PIL import Image

from ntm_leaderboard import cli


def test_the_version_is_that_of_the_package(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"ntm-envs {version('ntm-envs')}\n"


def test_the_list_of_commands_and_the_version_do_not_wait_for_torch():
    run = "import sys; from ntm_leaderboard import cli; cli.main(sys.argv[1:])"
    code = f"{run}; assert 'torch' not in sys.modules"
    for option in ("--help", "--version"):
        subprocess.run([sys.executable, "-c", code, option], check=True)


def test_agents_are_listed_with_their_training_signals(capsys):
    assert cli.main(["agents"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "targets" in lines["ntm"]
    assert "suite classic" in lines["ntm"]
    assert "repeat_copy" in lines["ntm-jump"]
    assert "rewards alone" in lines["ntm-ppo"]


@pytest.mark.parametrize("argv", [["tasks"], ["agents"], ["--help"], []])
def test_lists_show_their_entries(capsys, argv):
    assert cli.main(argv) == 0
    out = capsys.readouterr().out
    expected = {"tasks": "priority_sort", "agents": "uniform"}.get(argv[0] if argv else "", "bench")
    assert expected in out


def test_the_command_is_the_same_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "ntm_leaderboard", "agents"], capture_output=True, text=True, check=True
    )
    assert "ntm" in done.stdout


def test_an_episode_is_watched_in_the_terminal_and_recorded(home, capsys):
    assert cli.main(["watch", "--length", "2", "--fps", "1000"]) == 0
    assert "step 5 of 5, 0 wrong of 16" in capsys.readouterr().out
    assert cli.main(["watch", "--task", "associative_recall", "--items", "2", "--output", "a.gif"]) == 0
    with Image.open("a.gif") as gif:
        assert gif.n_frames == 17
    assert cli.main(["watch", "--length", "2", "--output", "pictures/a.png"]) == 0
    with Image.open("pictures/a.png") as png:
        assert png.width > 400
