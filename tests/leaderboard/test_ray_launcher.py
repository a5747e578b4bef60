"""On a Ray cluster jobs give what they give on one machine, and survive the deaths of nodes and launchers."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from own_files import MODEL, TASK
from rich.console import Console
from tiny_runs import untimed_result

from ntm_leaderboard import cli
from ntm_leaderboard.harness.jobs import Job
from ntm_leaderboard.harness.launcher import LocalLauncher
from ntm_leaderboard.harness.ray_launcher import RayLauncher

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # Ray's own

WAITS = """
import os, signal, sys, time
from pathlib import Path

with Path(sys.argv[-1], "metrics.jsonl").open("a") as file:
    first = not file.tell()
    file.write('{{"sequences": 1}}\\n')
if first and {dies}:
    os.kill(os.getpid(), signal.SIGKILL)
while not Path({go!r}).exists():
    time.sleep(0.02)
Path(sys.argv[-1], "done").touch()
os._exit(0)
"""

LAUNCHES = """
import io, sys
from pathlib import Path

sys.path[:0] = {folders!r}
from rich.console import Console
from test_ray_launcher import waiting
from ntm_leaderboard.harness.ray_launcher import RayLauncher

launch = RayLauncher(console=Console(), processes=1, news_seconds=0.1)
launch(waiting(Path({folder!r}), 1))
"""


@dataclass(frozen=True, kw_only=True)
class Waits(Job):
    """A job that writes a line of metrics, and ends when there is a file `go`; it may die the first time."""

    dies: bool = False

    def __str__(self) -> str:
        return f"job {self.number}"

    def complete(self) -> bool:
        return (self.folder / "done").exists()

    def commands(self):
        file = self.folder.parent / f"waits_{self.number}.py"
        code = WAITS.format(go=str(self.folder.parent / "go"), dies=self.dies)
        file.write_text(code, encoding="utf-8")
        return [["train", "--agent", f"{file}:Waits", "--output", self.folder]]


def waiting(folder, count, dies=None):
    return [Waits(number=i, folder=folder / str(i), dies=i == dies) for i in range(count)]


def lines(job):
    path = job.folder / "metrics.jsonl"
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_ray_gives_what_one_machine_gives(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "short.py").write_text(TASK, encoding="utf-8")
    for name in ("copy", "random", "signal", "types"):  # take no module's place
        (tmp_path / f"{name}.py").write_text("raise SystemExit('it was imported')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    command = ["bench", "--agents", "oracle", "./mine.py:Mine", "./mine.py:Fails", "--seeds", "1"]
    command += ["--tasks", "./short.py:SHORT", "--budget", "64", "--sequences", "8", "--jobs", "2"]
    assert cli.main([*command, "--output", "one"]) == 1
    assert cli.main([*command, "--output", "ray", "--launcher", "ray"]) == 1
    assert signal.getsignal(signal.SIGTERM) is handler
    assert not ray.is_initialized()
    out = " ".join(capsys.readouterr().out.split())  # it may be wrapped
    assert out.count("seed 0 failed:") == out.count("broken on purpose") == 2
    names = {
        folder: {p.relative_to(folder) for p in Path(folder).rglob("[!.]*")} for folder in ("one", "ray")
    }
    assert names["ray"] == names["one"]
    for path in names["one"]:
        if path.name == "result.json":
            assert untimed_result("ray" / path) == untimed_result("one" / path)
        if path.name in ("config.json", "model.safetensors"):
            assert ("ray" / path).read_bytes() == ("one" / path).read_bytes()


def test_a_job_whose_node_or_process_dies_goes_on_on_another(tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_worker_niceness", "0")
    jobs, ended = waiting(tmp_path, 3, dies=0), []
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})

    def kill_one():
        until(lambda: all(lines(job) for job in jobs))
        cluster.remove_node(nodes[0], allow_graceful=False)
        until(lambda: sum(node["Alive"] for node in ray.nodes()) == 2)  # or else its job might still end
        (tmp_path / "go").touch()

    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)
        killer = threading.Thread(target=kill_one)
        killer.start()
        launch = RayLauncher(console=Console(file=io.StringIO()), news_seconds=0.1)
        assert not launch(jobs, lambda job, failure: ended.append(job))
        killer.join()
        assert ray.is_initialized()  # as it was
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert Counter(ended) == Counter(jobs)
    assert all(job.complete() for job in jobs)
    assert lines(jobs[0]) == 2  # what had come back was sent again
    assert sorted(map(lines, jobs[1:])) == [1, 2]


def descendants(number):
    """Return the processes that a process has started, and theirs, with the times of their starts."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        state = state_of(stat)
        if state:
            parents[int(stat.parent.name)] = state
    found, new = {}, [number]
    while new:
        new = [each for each, (parent, _) in parents.items() if parent in new]
        found.update({each: parents[each][1] for each in new})
    return found


def state_of(stat):
    """Return the parent and the start of a process; None if it has ended."""
    try:
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else (int(fields[1]), int(fields[19]))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_launcher_that_ends_leaves_no_process_and_its_jobs_go_on(tmp_path, number):
    (job,) = waiting(tmp_path, 1)
    (tmp_path / "temporary").mkdir()
    code = LAUNCHES.format(folders=[str(each) for each in Path(__file__).parents[:2]], folder=str(tmp_path))
    code = f"import signal; signal.signal(signal.SIGTERM, signal.default_int_handler)\n{code}"
    environ = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.DEVNULL) as process:
        until(lambda: process.poll() is not None or lines(job))
        started = descendants(process.pid)
        process.send_signal(number)
        assert process.wait() != 0
    assert len(started) > 3
    until(lambda: not any(
        (state := state_of(Path(f"/proc/{each}/stat"))) and state[1] == start
        for each, start in started.items()
    ))  # fmt: skip
    if number != signal.SIGKILL:
        assert not list((tmp_path / "temporary").iterdir())
    assert not job.complete()
    (tmp_path / "go").touch()
    assert not LocalLauncher(processes=1, console=Console(file=io.StringIO()))([job])
    assert lines(job) == 2
