"""A bench plans jobs, repeats nothing that is complete, survives failures, and stops as a whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from own_files import MODEL
from PIL import Image
from tiny_runs import untimed_result

from ntm_leaderboard import cli
from ntm_leaderboard.harness import bench
from ntm_leaderboard.results import Result

SLOW = """

class Slow(Mine):
    def forward(self, inputs, state):
        time.sleep(0 if Path("fast").exists() else 0.05)
        return super().forward(inputs, state)
"""


def test_a_bench_is_repeatable_and_survives_what_fails(home, capsys):
    command = ["bench", "--agents", "oracle", "./mine.py:Fails", "uniform", "--tasks", "./short.py:SHORT"]
    command += ["--seeds", "2", "--sequences", "8", "--jobs", "2", "--output", "out"]
    assert cli.main(command) == 1
    out = " ".join(capsys.readouterr().out.split())  # it may be wrapped
    assert out.count("failed:") == 2
    assert "broken on purpose" in out
    assert "oracle" in out
    with Image.open("out/accuracy.png") as png:
        assert png.width > 400
    results = sorted(Path("out").rglob("result.json"))
    assert len(results) == 2
    times = [path.stat().st_mtime_ns for path in results]
    assert cli.main([*command[:3], *command[5:]]) == 0
    assert [path.stat().st_mtime_ns for path in results] == times


def test_a_bench_checks_existing_files(home, capsys):
    command = ["bench", "--tasks", "./short.py:SHORT", "--seeds", "1", "--output", "out", "--jobs", "2"]
    command += ["--agents", "./mine.py:Acts"]
    assert cli.main([*command, "--sequences", "4"]) == 0
    path = Path("out/short-copy/Acts/seed-0/result.json")
    assert [rung.sequences for rung in Result.read(path).rungs] == [4, 4]
    assert cli.main([*command, "--sequences", "8"]) == 0  # more are played
    assert [rung.sequences for rung in Result.read(path).rungs] == [8, 8]
    assert cli.main([*command, "--sequences", "2"]) == 0  # these are among them
    assert [rung.sequences for rung in Result.read(path).rungs] == [8, 8]
    before = Result.read(path).commitment
    Path("mine.py").write_text(
        MODEL.replace("self.oracle.act(observations)", "1 - self.oracle.act(observations)"), encoding="utf-8"
    )
    fooled = [sys.executable, "-m", "ntm_leaderboard", *command, "--sequences", "8"]
    assert subprocess.run(fooled, check=True)
    assert Result.read(path).commitment != before
    assert Result.read(path).rungs[0].sequence_accuracy == 0
    capsys.readouterr()
    path.write_text("{}", encoding="utf-8")
    assert cli.main([*command, "oracle", "--sequences", "8"]) == 1
    out = "".join(capsys.readouterr().out.split())
    assert "isnotaresult" in out
    assert "oracle" in out


def test_shards_give_what_one_machine_gives(home, capsys):
    command = ["bench", "--agents", "oracle", "lstm", "--tasks", "./short.py:SHORT", "--seeds", "1"]
    command += ["--budget", "64", "--sequences", "8", "--jobs", "2"]
    assert cli.main([*command, "--output", "whole"]) == 0
    command += ["--output", "parts"]
    assert cli.main([*command, "--shard", "1/2"]) == 0
    out = capsys.readouterr().out
    assert "1 of 1 jobs are complete." in out
    assert "--collect in place of --shard shows the tables" in out
    assert cli.main([*command, "--collect"]) == 1
    out = capsys.readouterr().out
    assert "seed 0 is missing: not started" in out
    assert "1 of 2 jobs are complete." in out
    assert cli.main([*command, "--shard", "2/2"]) == 0
    assert cli.main([*command, "--collect"]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 jobs are complete." in out
    assert "scores, suite" in out
    assert Path("parts/accuracy.png").exists()
    results = [path.relative_to("parts") for path in Path("parts").rglob("result.json")]
    assert len(results) == 2
    for path in results:
        assert untimed_result("parts" / path) == untimed_result("whole" / path)
    weights = Path("short-copy/lstm/seed-0/model.safetensors")
    assert ("parts" / weights).read_bytes() == ("whole" / weights).read_bytes()


def test_jobs_are_listed_and_none_is_run(home, capsys):
    command = ["bench", "--agents", "oracle", "./mine.py:Mine", "--tasks", "./short.py:SHORT", "--seeds", "2"]
    listed = {}
    for shard in ([], ["--shard", "1/2"], ["--shard", "2/2"]):
        assert cli.main([*command, "--output", "out", "--list-jobs", *shard]) == 0
        listed[tuple(shard)] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    whole, *parts = listed.values()
    assert [(job["number"], job["agent"], job["seed"]) for job in whole] == [
        (0, "oracle", 0), (1, "./mine.py:Mine", 0), (2, "./mine.py:Mine", 1),
    ]  # fmt: skip
    assert sorted((job for part in parts for job in part), key=lambda job: job["number"]) == whole
    assert not Path("out").exists()


def started(command, metrics):
    """Start a command in a process group of its own, and wait until it has written metrics."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    grown(process, metrics, 0)
    return process


def grown(process, path, size):
    """Wait until a file is larger than it was; it is there before its first line."""
    while not path.exists() or path.stat().st_size <= size:
        assert process.poll() is None
        time.sleep(0.05)


def test_a_bench_in_the_background_ends_when_it_is_terminated(home):
    command = [sys.executable, "-m", "ntm_leaderboard", "bench", "--agents", "lstm", "--tasks", "copy"]
    background = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]  # as nohup and & do
    metrics = Path("out/copy/lstm/seed-0/metrics.jsonl")
    process = started([*background, *command, "--output", "out", "--seeds", "1"], metrics)
    for number in (signal.SIGINT, signal.SIGHUP):  # of the terminal, for its foreground alone
        os.killpg(process.pid, number)
    grown(process, metrics, metrics.stat().st_size)
    process.terminate()
    assert process.wait() == 130
    assert (metrics.parent / "checkpoint.safetensors").exists()  # its run got the signal, and was waited for


def test_a_bench_that_was_killed_leaves_no_process_and_goes_on(home):
    Path("slow.py").write_text("import time\nfrom pathlib import Path\n" + MODEL + SLOW, encoding="utf-8")
    command = [sys.executable, "-m", "ntm_leaderboard", "bench", "--agents", "./slow.py:Slow", "--seeds", "1"]
    command += ["--tasks", "./short.py:SHORT", "--budget", "1600", "--sequences", "8", "--output", "out"]
    folder = Path("out/short-copy/Slow/seed-0")
    process = started([*command, "--shard", "1/1"], folder / "metrics.jsonl")
    process.kill()
    process.wait()
    with FileLock(folder / ".lock", timeout=60):  # its run has held it, and has ended
        before = (folder / "metrics.jsonl").read_bytes()
        assert (folder / "checkpoint.safetensors").exists()
        assert not (folder / "summary.json").exists()
    Path("fast").touch()
    assert cli.main([*command[3:], "--shard", "1/1"]) == 0
    assert (folder / "metrics.jsonl").read_bytes().startswith(before)
    assert Result.read(folder / "result.json").training.sequences == 1600


def test_a_bench_is_quick_or_of_a_suite():
    quick = bench.plan()
    assert quick.agents == ("ntm", "lstm")
    assert quick.up_to == {"copy": 120, "associative_recall": 20}
    assert quick.budget == 48_000
    classic = bench.plan("classic", seeds=1)
    assert len(classic.tasks) == 5
    assert classic.seeds == 1
    assert classic.budget is None
    assert not classic.up_to
    trial = bench.plan("classic", budget=320)
    assert {job.budget for job in bench.jobs_of(trial)} == {320}
    fresh = bench.plan("classic", agents=["ntm", "oracle"], tasks=["copy"], seeds=2, first_seed=2000)
    assert [(job.agent, job.seed) for job in bench.jobs_of(fresh)] == [
        ("ntm", 2000), ("oracle", 2000), ("ntm", 2001),
    ]  # fmt: skip
    assert bench.plan("interactive").agents == ("ntm-ppo", "ppo")  # which has no targets
    with pytest.raises(ValueError, match="did you mean 'classic'"):
        bench.plan("clasic")
