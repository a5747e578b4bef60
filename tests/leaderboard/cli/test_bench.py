"""A bench plans jobs, repeats nothing that is complete, survives failures, and stops as a whole."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from own_files import MODEL
from PIL import Image

from ntm_leaderboard import cli
from ntm_leaderboard.harness import bench
from ntm_leaderboard.results import Result


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


def test_a_bench_that_is_terminated_takes_its_runs_with_it(home):
    command = [sys.executable, "-m", "ntm_leaderboard", "bench", "--agents", "lstm", "--tasks", "copy"]
    process = subprocess.Popen([*command, "--output", "out", "--seeds", "1"], stdout=subprocess.DEVNULL)
    metrics = Path("out/copy/lstm/seed-0/metrics.jsonl")
    while not (metrics.exists() and metrics.stat().st_size):  # the file is there before the first update
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    process.wait()
    assert process.returncode == 130
    assert (metrics.parent / "checkpoint.safetensors").exists()  # its run got the signal, and was waited for


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
