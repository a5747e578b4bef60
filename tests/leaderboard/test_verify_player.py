"""The process in which a submission's model plays: its permissions and limits."""

import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
from submissions import play, rewrite

from ntm_leaderboard.board import verify
from ntm_leaderboard.board.confinement import obstacle
from ntm_leaderboard.board.guard import descendants
from ntm_leaderboard.board.player import Player, PlayerError


def model_of(player):
    """Return the process that has the model; one that confines it may wait for it."""
    return (player._process.pid, *descendants(player._process.pid))[-1]


pytestmark = pytest.mark.usefixtures("short_ladder")


def test_foreign_code_runs_only_if_it_is_trusted(own_model):
    folder, marker = own_model()
    with pytest.raises(ValueError, match=r"has code of its own, my_model\.py"):
        verify.check(folder)
    claimed = verify.check(folder, trust_code=True)
    assert not marker.exists()
    record = play(folder, nonce=claimed.nonce)
    assert record.result.rungs == claimed.rungs
    assert "my_model.py" in record.files
    assert record.confined is (obstacle() is None)
    rewrite(folder / "config.json", lambda config: config.update(source="0" * 64))
    with pytest.raises(ValueError, match=r"my_model\.py is not what the model was trained with"):
        verify.check(folder, trust_code=True)
    (folder / "my_model.py").write_text(
        (folder / "my_model.py").read_text(encoding="utf-8") + "# changed\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match="commitment"):
        verify.check(folder, trust_code=True)


@pytest.mark.parametrize(
    ("act", "limits", "message"),
    [
        ("time.sleep(600)", {"seconds": 1}, "took too long"),
        ("bytearray(2**30)", {"gibibytes": 1.4}, "ended, exit code 1: MemoryError"),
        ("os._exit(3)", {}, "ended, exit code 3"),
    ],
)
def test_a_model_that_breaks_its_limits_is_stopped(own_model, act, limits, message):
    folder, _ = own_model(act)
    observations = np.zeros((2, 9), np.float32)
    seconds = limits.pop("seconds", 600)
    with Player(folder, 8, **limits) as player:
        player.begin(2, 64, 0)
        player._left = seconds
        with pytest.raises(PlayerError, match=message):
            player.act(observations)


def test_the_kernel_stops_a_model_that_has_computed_for_as_long_as_it_may(own_model):
    folder, _ = own_model("while True: pass")
    with Player(folder, 8, minutes=0.25) as player:
        player.begin(2, 64, 0)
        pid = model_of(player)
        assert resource.prlimit(pid, resource.RLIMIT_CPU) == (15, 15)
        # The test has not the time for them: a second more than it has taken so far is enough.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) // os.sysconf("SC_CLK_TCK") + 1
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        with pytest.raises(PlayerError, match=r"ended, exit code -(9|24)"):
            player.act(np.zeros((2, 9), np.float32))


def test_what_a_model_needs_is_within_the_limits_of_that_test(own_model):
    folder, _ = own_model("bytearray(2**20)")
    with Player(folder, 8, gibibytes=1.4) as player:
        player.begin(2, 64, 0)
        assert player.act(np.zeros((2, 9), np.float32)).shape == (2, 8)


def test_a_model_that_does_not_listen_is_stopped(own_model):
    folder, _ = own_model()
    with Player(folder, 8, minutes=5) as player:
        os.kill(model_of(player), signal.SIGSTOP)
        player._left = 1.0
        with pytest.raises(PlayerError, match="took too long"):
            player.act(np.zeros((2**16, 9), np.float32))  # more than a pipe holds


@pytest.mark.parametrize("limits", [{"minutes": 0}, {"gibibytes": -1}, {"minutes": float("nan")}])
def test_impossible_limits_are_refused(tmp_path, limits):
    with pytest.raises(ValueError, match=f"{next(iter(limits))} is .*; expected a finite number above 0"):
        Player(tmp_path, 8, **limits)
