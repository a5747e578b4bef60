"""A bench plans jobs, repeats nothing that is complete, survives failures, and stops as a whole."""

import json
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


def untimed(path):
    """Return a result without times."""
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["created"]
    (record["training"] or {}).pop("seconds", None)
    return record


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
        assert untimed("parts" / path) == untimed("whole" / path)
        weights = [Path(folder, path).with_name("model.safetensors") for folder in ("parts", "whole")]
        assert len({each.exists() and each.read_bytes() for each in weights}) == 1


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
