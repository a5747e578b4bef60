"""The commit that a result records."""

import subprocess

import pytest

from ntm_leaderboard.harness import evaluate


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository that `evaluate` believes to lie in."""
    file = tmp_path / "leaderboard" / "ntm_leaderboard" / "evaluate.py"
    for path in (file, tmp_path / "benchmarks" / "log.jsonl"):
        path.parent.mkdir(parents=True)
        path.write_text("as committed\n", encoding="utf-8")
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "all", "--no-verify"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(evaluate, "__file__", str(file))
    return tmp_path


def test_the_commit_is_dirty_only_where_code_was_changed(checkout):
    commit = evaluate.present_commit()
    assert len(commit) == 40
    (checkout / "benchmarks" / "log.jsonl").write_text("a line more\n", encoding="utf-8")
    assert evaluate.present_commit() == commit
    (checkout / "leaderboard" / "ntm_leaderboard" / "evaluate.py").write_text("changed\n", encoding="utf-8")
    assert evaluate.present_commit() == f"{commit}-dirty"


def test_without_a_checkout_there_is_no_commit(checkout, monkeypatch):
    untracked = checkout / "leaderboard" / "ntm_leaderboard" / "other.py"
    untracked.write_text("", encoding="utf-8")
    monkeypatch.setattr(evaluate, "__file__", str(untracked))
    assert evaluate.present_commit() is None
    monkeypatch.setenv("PATH", "")
    assert evaluate.present_commit() is None
