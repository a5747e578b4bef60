"""The packing of submissions, and weights that are held elsewhere."""

import errno
import hashlib
import shutil
import signal
import subprocess
import sys

import pytest
from submissions import play, rewrite, trained, with_own_model

from ntm_leaderboard import page
from ntm_leaderboard.board import submission, verify, weights
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.results import Result

pytestmark = pytest.mark.usefixtures("short_ladder")


def test_what_is_not_evaluated_or_holds_another_run_is_not_packed(made, packed, tmp_path):
    with pytest.raises(ValueError, match="no evaluated run"):
        submission.pack([tmp_path / "nothing"], tmp_path / "submission")
    other = shutil.copytree(made[1], tmp_path / "other")
    rewrite(other / "result.json", lambda result: result.update(seed=0))
    with pytest.raises(ValueError, match="holds another run"):
        submission.pack([other], tmp_path / "submission")
    with pytest.raises(ValueError, match=r"other: result.json has seed 0; expected 1"):
        submission.pack([other], tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_weights_that_are_held_elsewhere_are_those_that_the_result_names(made, tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "LARGEST_WEIGHTS", 100)
    monkeypatch.setattr(weights, "LARGEST_WEIGHTS", 100)
    output = tmp_path / "submission"
    with pytest.raises(ValueError, match=r"expected at most 100 beside a result\. Name the address"):
        submission.pack([made[0]], output)
    with pytest.raises(ValueError, match="address"):
        submission.pack([made[0]], output, "http://example.org")
    assert not output.exists()
    (folder,) = submission.pack([made[0]], output, "https://example.org/mine/")
    assert submission.pack([made[0]], output, "https://example.org/mine") == [folder]
    held = Result.read(folder / "result.json").held
    assert held.address == "https://example.org/mine/copy/lstm/seed-0/model.safetensors"
    with pytest.raises(ValueError, match=f"not there yet; get it from {held.address}"):
        verify.check(folder)
    elsewhere = tmp_path / "submission-weights" / "copy" / "lstm" / "seed-0" / "model.safetensors"
    shutil.copy(elsewhere, folder)
    assert play(folder, nonce=verify.check(folder).nonce).result.held == held
    shutil.copy(made[1] / "model.safetensors", folder)
    with pytest.raises(ValueError, match="has the SHA-256"):
        verify.check(folder)


def test_a_model_that_needs_more_than_its_file_is_not_packed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "helper.py").write_text("value = 1", encoding="utf-8")
    with pytest.raises(ValueError, match="No module named 'helper'"):
        with_own_model(tmp_path, first="import helper")
    assert not list((tmp_path / "submission").rglob("result.json"))


def test_a_full_disk_is_named_by_what_was_to_be_written(made, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", source, None, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    for write in (
        lambda path: submission.pack([made[0]], path),
        lambda path: page.build(Boards.of([]), path),
    ):
        with pytest.raises(OSError, match="No space left") as error:
            write(tmp_path / "new")
        assert str(error.value.filename).startswith(str(tmp_path / "new"))
        assert not list(tmp_path.iterdir())


KILLED_WHILE_PACKING = """
import os, pathlib, signal, sys
from ntm_leaderboard.board import submission

submission.check = lambda *arguments, **options: os.kill(os.getpid(), signal.SIGKILL)
submission.pack([pathlib.Path(sys.argv[1])], pathlib.Path(sys.argv[2]))
"""


def test_what_a_killed_packing_has_left_is_deleted_and_nothing_else(made, tmp_path, monkeypatch):
    output, hidden = tmp_path / "submission", ".packing-elsewhere-1-abc"
    command = [sys.executable, "-c", KILLED_WHILE_PACKING, str(made[0]), str(output)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    (leftover,) = output.iterdir()
    for kept in (hidden, ".git", ".abcdefgh"):
        (output / kept).mkdir()
    during = []

    def pack_at_the_same_time(folder, **options):
        monkeypatch.setattr(submission, "check", verify.check)
        submission.pack([made[1]], output)
        during.extend(path.parent for path in output.glob(".*/run"))

    monkeypatch.setattr(submission, "check", pack_at_the_same_time)
    submission.pack([made[0]], output)
    assert during
    assert leftover not in during
    assert {path.name for path in output.iterdir()} == {hidden, ".git", ".abcdefgh", "README.md", "copy"}


def test_what_does_not_learn_is_left_out_of_a_submission(made, tmp_path):
    bench = tmp_path / "bench"
    shutil.copytree(made[0], bench / "lstm")
    (bench / "constant").mkdir()
    shutil.copy(made[0] / "result.json", bench / "constant")
    assert len(submission.pack([bench], tmp_path / "submission")) == 1


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A repository that the code believes to lie in; returns what commits a file there, and its address."""
    monkeypatch.setattr(weights, "__file__", str(tmp_path / "project" / "weights.py"))
    (tmp_path / "project").mkdir()

    def git(*arguments):
        options = (
            "-c",
            "user.name=nobody",
            "-c",
            "user.email=nobody@example.org",
            "-c",
            "commit.gpgsign=false",
        )
        command = ["git", *options, *arguments]
        done = subprocess.run(command, cwd=tmp_path / "project", check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")

    def commit(path):
        shutil.copy(path, tmp_path / "project" / "kept")
        git("add", "kept")
        git("commit", "-qm", "kept", "--no-verify")
        address = f"git:{git('rev-parse', 'HEAD')}:kept"
        git("rm", "-q", "kept")
        git("commit", "-qm", "gone", "--no-verify")
        return {"address": address, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    return commit


def test_weights_of_the_history_are_found_where_a_checkout_has_it(packed, history):
    held = history(packed[0] / "model.safetensors")
    (packed[0] / "model.safetensors").unlink()
    rewrite(packed[0] / "result.json", lambda result: result.update(held=held))
    claimed = verify.check(packed[0])
    assert play(packed[0], nonce=claimed.nonce).result.rungs == claimed.rungs
    assert not (packed[0] / "model.safetensors").exists()  # nothing is left in the tree
    other = history(packed[1] / "model.safetensors")["address"]
    rewrite(packed[0] / "result.json", lambda result: result["held"].update(address=other))
    with pytest.raises(ValueError, match="has the SHA-256"):
        verify.check(packed[0])


def test_an_error_explains_how_to_get_a_missing_history(packed, history, monkeypatch):
    held = history(packed[0] / "model.safetensors") | {"address": f"git:{'f' * 40}:kept"}
    shutil.move(packed[0] / "model.safetensors", packed[0].parent)
    rewrite(packed[0] / "result.json", lambda result: result.update(held=held))
    for path in (None, ""):
        if path is not None:
            monkeypatch.setenv("PATH", path)  # where there is no git at all
        with pytest.raises(
            ValueError, match=rf"history, .*: {'f' * 40}:kept; get it with `git fetch --unshallow`"
        ):
            verify.check(packed[0])
    shutil.move(packed[0].parent / "model.safetensors", packed[0])  # whoever has downloaded it
    verify.check(packed[0])


@pytest.mark.parametrize(
    ("address", "how"),
    [
        (
            f"git:{'f' * 40}:kept",
            f"history, .* `git fetch --unshallow`; then: git show {'f' * 40}:kept > .*/model",
        ),
        (
            "https://example.org/w;rm",
            r"elsewhere; get them: curl -L -o .*/model\.safetensors 'https://example\.org/w;rm'",
        ),
    ],
)
def test_whoever_needs_weights_that_are_held_elsewhere_is_told_how_to_get_them(
    packed, tmp_path, address, how
):
    (packed[0] / "model.safetensors").unlink()
    held = {"address": address, "sha256": "0" * 64}
    rewrite(packed[0] / "result.json", lambda result: result.update(held=held))
    with pytest.raises(FileNotFoundError, match=how):
        from_run(packed[0])
    with pytest.raises(FileNotFoundError, match=how):
        submission.pack([packed[0]], tmp_path / "again")


def test_a_machine_of_the_project_without_a_row_is_packed_by_its_reference(tmp_path):
    model = {"hidden_size": 4, "memory_width": 3}
    run = trained(tmp_path / "run", entry="ntm_agents:NTM", agent="plain-ntm", model=model)
    (folder,) = submission.pack([run], tmp_path / "submission")
    assert verify.check(folder).entry == "ntm_agents:NTM"
