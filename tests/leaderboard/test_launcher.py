"""Jobs are launched as processes: each of their commands in turn, and one that fails stops no other job."""

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

import ntm_envs
from ntm_leaderboard.harness import launcher
from ntm_leaderboard.harness.jobs import Job
from ntm_leaderboard.harness.launcher import LocalLauncher

DIES = """
import os
import signal

os.kill(os.getpid(), signal.SIGKILL)
"""

IGNORES = """
import signal
import time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path({marker!r}).touch()
while True:
    time.sleep(600)
"""


@dataclass(frozen=True, kw_only=True)
class Runs(Job):
    """A job whose commands are given."""

    words: tuple[str, ...]
    started: list[int] = field(default_factory=list, hash=False, compare=False)

    def __str__(self) -> str:
        return f"job {self.number}"

    def complete(self) -> bool:
        return self.words == ("complete",)

    def commands(self) -> list[list[str]]:
        self.started.append(self.number)
        if not self.words:
            raise ValueError("it cannot be run")
        return [word.split() for word in self.words]


def launch(folder: Path, *jobs: tuple[str, ...], processes: int = 2):
    made = [Runs(number=i, folder=folder / str(i), words=words) for i, words in enumerate(jobs)]
    ended, console = [], Console(file=io.StringIO())
    failures = LocalLauncher(processes=processes, console=console)(
        made, lambda job, failure: ended.append((job, failure))
    )
    return made, ended, failures, console.file.getvalue()


def test_a_job_that_fails_stops_no_other(tmp_path):
    good, bad, never = ("--version", "--version"), ("--version", "trian", "--version"), ()
    made, ended, failures, printed = launch(tmp_path, bad, never, good, ("complete",))
    assert set(failures) == set(made[:2])
    assert "did you mean 'train'" in failures[made[0]].reason
    assert str(failures[made[0]]) == f"{failures[made[0]].reason} (see {tmp_path / '0' / 'log.txt'})"
    assert not failures[made[0]].killed
    assert str(failures[made[1]]) == "it cannot be run"
    assert sorted(job.number for job, _ in ended) == [0, 1, 2, 3]
    assert dict(ended) == {job: failures.get(job) for job in made}
    logs = [(tmp_path / str(i) / "log.txt") for i in range(4)]
    version = f"ntm-envs {ntm_envs.__version__}\n"
    assert logs[0].read_text(encoding="utf-8").startswith(version)
    assert logs[0].read_text(encoding="utf-8").count(version) == 1  # nothing is run after what failed
    assert logs[2].read_text(encoding="utf-8") == 2 * version
    assert not logs[1].exists()
    assert not logs[3].exists()
    assert "4 of 4" in printed


@pytest.mark.parametrize("text", ["", "{", "[]", '{"loss": 0.5}', '{"sequences": "many"}', "\udcff"])
def test_damaged_metrics_show_no_progress(tmp_path, text):
    job = Runs(number=0, folder=tmp_path, words=())
    (tmp_path / "metrics.jsonl").write_bytes(text.encode(errors="surrogateescape"))
    assert job.progress() == "starting"
    (tmp_path / "metrics.jsonl").write_text('{"sequences": 1200, "loss": 0.5}\n', encoding="utf-8")
    assert job.progress() == "1,200 sequences, loss 0.500"


def test_files_of_the_present_folder_take_no_modules_place(tmp_path, monkeypatch):
    for name in ("copy", "random", "signal", "torch", "types"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('it was imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert not launch(tmp_path, ("--version",))[2]


def test_jobs_begin_in_their_order_and_only_so_many_at_a_time(tmp_path):
    started: list[int] = []
    jobs = [Runs(number=i, folder=tmp_path / str(i), words=("--version",), started=started) for i in range(3)]
    seen = []
    LocalLauncher(processes=1, console=Console(file=io.StringIO()))(
        jobs, lambda job, failure: seen.append((job.number, list(started)))
    )
    assert seen == [(0, [0]), (1, [0, 1]), (2, [0, 1, 2])]


def test_a_job_that_a_signal_ends_is_distinguished_from_one_that_fails(tmp_path):
    (tmp_path / "dies.py").write_text(DIES, encoding="utf-8")
    train = f"train --agent {tmp_path}/dies.py:Dies --task copy --output {tmp_path}/run"
    _, _, failures, _ = launch(tmp_path, (train,))
    (failure,) = failures.values()
    assert failure.killed
    assert "ended by signal 9" in str(failure)


def test_a_folder_in_which_another_process_works_is_left_alone(tmp_path):
    (tmp_path / "0").mkdir()
    with FileLock(tmp_path / "0" / ".job.lock"):
        made, _, failures, _ = launch(tmp_path, ("--version",))
    assert failures[made[0]].reason.startswith(f"another process works in {tmp_path / '0'}; wait for it")
    assert made[0].started == []
    assert not launch(tmp_path, ("complete",))[2]  # the lock is gone with its owner


def test_a_job_whose_folder_cannot_be_made_fails_alone(tmp_path):
    (tmp_path / "0").write_text("", encoding="utf-8")
    made, _, failures, _ = launch(tmp_path, ("--version",), ("complete",))
    assert set(failures) == {made[0]}
    assert "File exists" in failures[made[0]].reason


def test_the_reason_is_the_last_error_and_no_line_of_progress(tmp_path):
    job = Runs(number=0, folder=tmp_path, words=("complete",))
    process = launcher.Process(job)
    assert process.poll()
    log = "ntm-envs: of an earlier command\n"
    process._logged = len(log)
    (tmp_path / "log.txt").write_bytes(log.encode() + b"1 of 2\xff\n")
    assert process._last_error() is None
    (tmp_path / "log.txt").write_bytes(log.encode() + b"ntm-envs: no room\n1 of 2\xff sequences\n")
    assert process._last_error() == "no room"


@pytest.mark.parametrize(("handling", "code"), [("SIG_DFL", -signal.SIGTERM), ("SIG_IGN", launcher.STOPPED)])
def test_a_process_ends_when_its_launcher_was_killed_even_if_it_ignores_requests(handling, code):
    program = (
        "import signal, sys, time; from ntm_leaderboard.harness import launcher\n"
        f"signal.signal(signal.SIGTERM, signal.{handling}); launcher.GRACE_SECONDS = 0.1\n"
        "launcher.end_with_launcher(); print(repr(sys.stdin.read()), flush=True)\n"
        "while True: time.sleep(600)"
    )
    environ = os.environ | launcher.ENVIRONMENT
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout.readline() == b"''\n"  # it has no input
        assert process.poll() is None
        process.stdin.close()  # as the system does when the launcher ends
        assert process.wait() == code


def test_a_process_that_ignores_requests_to_stop_is_killed(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(IGNORES.format(marker=str(tmp_path / "loaded")), encoding="utf-8")
    process = launcher.Process(
        Runs(number=0, folder=tmp_path / "0", words=(f"train --agent {tmp_path}/mine.py:Mine",))
    )
    while not (tmp_path / "loaded").exists():
        assert not process.poll()
        time.sleep(0.02)
    monkeypatch.setattr(launcher, "GRACE_SECONDS", 0.1)
    launcher.stop([process])
    assert process.poll()
    assert process.failure.reason == f"ended by signal {signal.SIGKILL.value}"


def test_a_process_has_the_threads_of_its_environment_or_those_of_its_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert launcher.usable_threads() == 3
    for others in ("", "4,2", "0"):
        monkeypatch.setenv("OMP_NUM_THREADS", others)
        assert launcher.usable_threads() == launcher.cores()
    for name, value in launcher.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert launcher.usable_threads() == 1  # as the other cores run other jobs


def test_there_is_at_least_one_process():
    with pytest.raises(ValueError, match="jobs is 0; expected at least 1"):
        LocalLauncher(processes=0, console=Console())
