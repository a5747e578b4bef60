"""A model that cannot take more steps than its capacity is trained, evaluated, shown and verified."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import tape
from own_files import TASK, TINY
from rewards import reward_run, start

from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.board import submission, verify
from ntm_leaderboard.harness import bench
from ntm_leaderboard.results import Result


@pytest.mark.parametrize("task", tasks.names())
def test_rewards_train_it_on_every_task(task):
    config = dataclasses.replace(reward_run().train, total_timesteps=1536, num_envs=8, n_steps=64)
    trainer = start(reward_run(f"{tape.__file__}:Tape", {}, config=config, task=task))
    trainer.train()
    assert trainer.counters.steps == 1536


def test_every_command_plays_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(tape.__file__, "tape.py")
    Path("short.py").write_text(TASK, encoding="utf-8")
    plan = bench.plan(agents=["./tape.py:Tape"], tasks=["./short.py:SHORT"], seeds=1, sequences=8, budget=64)
    (job,) = bench.jobs_of(plan)
    train, evaluate = ([str(part) for part in command] for command in job.commands())
    assert cli.main(train) == 0
    assert cli.main(evaluate) == 0
    assert cli.main(["watch", str(job.folder), "--fps", "1000"]) == 0


@pytest.mark.usefixtures("short_ladder")
def test_a_verifier_plays_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(tape.__file__, "tape.py")
    train = ["train", "--agent", "./tape.py:Tape", "--task", "copy", *TINY, "--output", "run"]
    assert cli.main(train) == 0
    assert cli.main(["evaluate", "run", "--up-to", "20", "--sequences", "16"]) == 0
    (packed,) = submission.pack([Path("run")], Path("submission"))
    claimed = verify.check(packed, trust_code=True)
    again = verify.verify(packed, "somebody", nonce=claimed.nonce).result
    assert again.rungs == Result.read(Path("run/result.json")).rungs
