"""Hostile models: they find no secrets, change no file, outlive no verdict, and fill neither disk nor memory.

Each test runs with namespaces, where they are permitted, and without.
"""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from submissions import play

from ntm_leaderboard.board import guard, player
from ntm_leaderboard.board.confinement import call, obstacle
from ntm_leaderboard.board.player import LAST_WORDS, Player, PlayerError

pytestmark = pytest.mark.usefixtures("short_ladder")
OBSERVATIONS = np.zeros((2, 9), np.float32)
NAMESPACES = pytest.mark.skipif(bool(obstacle()), reason=f"no namespaces here: {obstacle()}")
LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux protects from this")


@pytest.fixture(params=[pytest.param("namespaces", marks=NAMESPACES), "no namespaces"])
def either_way(request, monkeypatch):
    if request.param == "no namespaces":
        monkeypatch.setattr(player, "obstacle", lambda: "they are not used in this test")


def fails(attacks):
    """Return the code of a model that tries what should fail, with parts of its errors if these are told."""
    expected = attacks if isinstance(attacks, dict) else dict.fromkeys(attacks, "")
    return f"""
        for attack, message in {expected!r}.items():
            try:
                exec(attack)
            except (AssertionError, OSError, ValueError) as error:
                assert message in repr(error), (attack, error)
            else:
                os._exit(9)
    """


def act(folder):
    with Player(folder, 8) as opponent:
        opponent.begin(2, 64, 0)
        return opponent.act(OBSERVATIONS)


@LINUX
@pytest.mark.usefixtures("either_way")
def test_no_process_outlives_a_player_whatever_its_session_and_parent(own_model):
    escape = "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(600))"
    folder, _ = own_model(escape)
    before = guard.descendants(os.getpid())
    with Player(folder, 8) as opponent:
        opponent.begin(2, 64, 0)
        opponent.act(OBSERVATIONS)
        started = set(guard.descendants(os.getpid())) - set(before)
        assert len(started) >= 2
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    assert guard.descendants(os.getpid()) == before


@pytest.mark.usefixtures("either_way")
def test_a_model_cannot_forge_a_file(own_model, tmp_path):
    record, another = tmp_path / "seed-0.json", tmp_path / "another"
    record.write_text("honest", encoding="utf-8")
    folder, _ = own_model(
        fails([f"pathlib.Path({str(path)!r}).write_text('forged')" for path in (record, another)])
    )
    act(folder)
    assert "forged" not in record.read_text(encoding="utf-8")
    assert not another.exists() or not another.read_text(encoding="utf-8")


@LINUX
@pytest.mark.usefixtures("either_way")
def test_a_model_cannot_read_the_memory_of_the_verifier(own_model):
    dumpable = call("prctl", guard.PR_GET_DUMPABLE, 0, 0, 0, 0)
    read = "open('/proc/{}/{}', 'rb').read(1)"
    folder, _ = own_model(
        fails({read.format(os.getpid(), name): "Permission denied" for name in ("mem", "environ", "maps")})
    )
    act(folder)
    assert call("prctl", guard.PR_GET_DUMPABLE, 0, 0, 0, 0) == dumpable


@pytest.mark.usefixtures("either_way")
def test_a_model_is_given_its_own_files_and_nothing_else(own_model, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hidden")
    files = ["config.json", "model.safetensors", "my_model.py", "summary.json"]
    folder, _ = own_model(
        "assert 'A_SECRET' not in os.environ; "
        f"assert sorted(os.listdir()) == sorted(os.listdir(pathlib.Path(__file__).parent)) == {files}; "
        "found = [os.readlink(f'/dev/fd/{name}') for name in os.listdir('/dev/fd')[:-1]]; "
        "assert all(name.startswith(('pipe:', '/proc/', '/dev/')) for name in found), found"
    )
    (folder / "result.json").touch()
    assert act(folder).shape == (2, 8)


def test_sequences_are_drawn_after_the_model_is_loaded(own_model, monkeypatch):
    drawn = []
    folder, _ = own_model()
    monkeypatch.setattr(Player, "_receive", lambda self, count: drawn.append(count) or bytes(count))
    monkeypatch.setattr("ntm_leaderboard.board.verify.secrets.token_hex", lambda count: drawn.append("nonce"))
    monkeypatch.setattr("ntm_leaderboard.board.verify.play_ladder", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        play(folder)
    assert drawn == [0, 16, "nonce"]  # it is loaded, and tells its counts


@pytest.mark.usefixtures("either_way")
def test_output_is_bounded_whatever_a_model_prints(own_model):
    folder, _ = own_model(
        "os.write(2, b'x' * 10**7); print('y' * 10**6)\n        while inputs.any(): os.write(1, b'z' * 2**16)"
    )
    with Player(folder, 8) as opponent:
        opponent.begin(2, 64, 0)
        assert opponent.act(OBSERVATIONS).shape == (2, 8)
        opponent._left = 0.5
        with pytest.raises(PlayerError, match="took too long") as failure:
            opponent.act(OBSERVATIONS + 1)
    assert len(opponent._last_words) == LAST_WORDS
    assert len(str(failure.value)) < LAST_WORDS + 100


@NAMESPACES
def test_a_confined_model_has_no_network_and_reaches_no_process_socket_or_file(own_model, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as service:
        service.bind(str(tmp_path / "socket"))
        attacks = {
            f"socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))": "unreachable",
            f"socket.socket(socket.AF_UNIX).connect({str(tmp_path / 'socket')!r})": "No such file",
            f"os.kill({os.getpid()}, 0)": "No such process",
            "os.open(pathlib.Path(torch.__file__).parent, os.O_TMPFILE | os.O_WRONLY)": "Read-only",
            "pathlib.Path(torch.__file__).touch()": "Read-only",
            "pathlib.Path('a').touch()": "Read-only",
            "pathlib.Path('/tmp/a').touch()": "Read-only",
        }
        folder, _ = own_model(fails(attacks))
        act(folder)


@NAMESPACES
def test_a_confined_model_cannot_loosen_its_confinement(own_model):
    library = "__import__('ctypes').CDLL(None)"
    writable, uncovered = (
        f"{library}.mount(None, b'/', None, 4096 | 32, None)",
        f"{library}.umount2(b'/tmp', 2)",
    )
    nested = f"{library}.unshare((1 << 28) | (1 << 17))"
    attacks = (
        f"assert {writable} == 0 or {uncovered} == 0",
        # A fork has one thread, as the system call demands; the code of its exit is 0 unless it gets through.
        f"assert os.waitpid(os.fork() or os._exit({nested} == 0 and not {writable} * {uncovered}), 0)[1]",
        "os.setgroups([])",
        "__import__('resource').setrlimit(1, (1000, 1000))",
    )
    folder, _ = own_model(fails(attacks))
    act(folder)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("return self.layer(inputs)[..., :4], state", "answered with 32 bytes, where 64 were expected"),
        ("return self.layer(inputs)[:, :1], state", r"the outputs have the shape \(1, 1, 8\)"),
        ("os.write(3, b'\\0' * 8)", "answered with 0 bytes, where 64 were expected"),
        ("os.close(3)", "ended, exit code 1: OSError"),
    ],
)
def test_an_answer_of_another_size_ends_the_game(own_model, answer, message):
    folder, _ = own_model(answer)
    with pytest.raises(PlayerError, match=message):
        act(folder)


def test_an_answer_without_a_request_ends_the_game(own_model):
    folder, _ = own_model("os.fork() or (time.sleep(0.1), os.write(3, b'again'), time.sleep(600))")
    with Player(folder, 8) as opponent:
        opponent.begin(2, 64, 0)
        opponent.act(OBSERVATIONS)
        opponent._wait(reading=opponent._process.stdout)
        with pytest.raises(PlayerError, match="answered without a request"):
            opponent.begin(2, 64, 0)


def test_probabilities_that_are_not_finite_are_refused(own_model):
    folder, _ = own_model("return self.layer(inputs) * float('nan'), state")
    with pytest.raises(ValueError, match="the action has nan"):
        play(folder)
