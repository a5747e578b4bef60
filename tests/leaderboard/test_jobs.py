"""Jobs are data with numbers that depend on the plan alone; shards divide them, and a survey runs nothing."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntm_leaderboard.harness import bench
from ntm_leaderboard.harness.bench import BenchJob
from ntm_leaderboard.harness.jobs import Shard, survey


def plan(folder="out", **settings):
    chosen = {"agents": ["oracle", "constant", "lstm"], "tasks": ["copy", "parity"], "seeds": 4}
    return bench.jobs_of(bench.plan(**chosen | settings, output=Path(folder)))


def copies(count):
    return [BenchJob(number=i, folder=Path(str(i)), agent="lstm", task="copy", seed=i) for i in range(count)]


@given(count=st.integers(0, 60), parts=st.integers(1, 20))
def test_shards_are_disjoint_even_and_together_everything(count, parts):
    jobs = copies(count)
    shards = [Shard(i + 1, parts).of(jobs) for i in range(parts)]
    assert Counter(job for shard in shards for job in shard) == Counter(jobs)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert all(shard == sorted(shard, key=lambda job: job.number) for shard in shards)


def test_a_job_is_in_the_same_shard_on_every_machine():
    assert [job.number for job in Shard(2, 3).of(copies(12))] == [1, 3, 6, 8]


def test_no_shard_has_all_runs_of_an_agent():
    jobs = plan(agents=["lstm", "ntm"], tasks=["copy", "parity"], seeds=10)
    for i in range(4):  # every fourth job in order would be of one agent on one task
        assert {job.agent for job in Shard(i + 1, 4).of(jobs)} == {"lstm", "ntm"}


@pytest.mark.parametrize("text", ["0/8", "9/8", "1/0", "2", "-1/8", "a/b", "1/8/2", "١/8", ""])
def test_a_shard_is_one_of_several(text):
    with pytest.raises(ValueError, match=r"shard is .*; expected I/N with I from 1 to N, such as 2/8"):
        Shard.parse(text)
    assert str(Shard.parse("8/8")) == "8/8"


def test_numbers_depend_on_the_plan_alone_and_more_seeds_come_last():
    few, many = plan(), plan(seeds=6)
    assert [job.number for job in few] == list(range(len(few)))
    assert many[: len(few)] == few


def test_a_job_is_data():
    for job in plan("out/quick", sequences=8):
        record = json.loads(json.dumps(job.record()))
        assert BenchJob(**record | {"folder": Path(record["folder"])}) == job


def test_a_survey_runs_nothing_and_says_what_is_known(tmp_path):
    jobs = plan(str(tmp_path), agents=["lstm"], tasks=["copy"], seeds=5)
    logs = ["ntm-envs: no room\nkernel: none\n", "1 of 2\nntm-envs: no room\n", "", None, "ntm-envs: lost\n"]
    for job, log in zip(jobs, logs, strict=True):
        if log is not None:
            job.folder.mkdir(parents=True)
            (job.folder / "log.txt").write_text(log, encoding="utf-8")
    (jobs[0].folder / "metrics.jsonl").write_text('{"sequences": 1200, "loss": 0.5}\n', encoding="utf-8")
    (jobs[4].folder / "result.json").write_text("{}", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    told = []
    missing = survey(jobs, lambda job, failure: told.append((job, failure)))
    assert told == list(missing.items())
    assert sorted(tmp_path.rglob("*")) == before
    reasons = [missing[job].reason for job in jobs]
    assert reasons[:4] == ["1,200 sequences, loss 0.500", "no room", "starting", "not started"]
    assert "is not a result" in reasons[4]
    assert missing[jobs[1]].log == jobs[1].folder / "log.txt"
    assert missing[jobs[3]].log is None
