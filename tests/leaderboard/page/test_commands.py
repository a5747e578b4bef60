"""The command beside a run trains it again, as the command line reads it."""

import json
import shlex
from dataclasses import replace

import pytest
from test_board import TRAINING, result

from ntm_agents import Run, TrainConfig
from ntm_agents.learners import supervised
from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.harness.entrants import new_run
from ntm_leaderboard.page.commands import command
from ntm_leaderboard.results import Result


class Stopped:
    """A trainer that records its arguments, and does not train."""

    made: list[Run]

    def __init__(self, run, folder, **_):
        self.made.append(run)
        raise ValueError("it was only to be looked at")


def test_a_run_from_rewards_has_its_command():
    recipe = new_run("ppo", "copy").resolved()
    training = TRAINING | {"recipe": recipe["train"], "learner": "ppo", "track": "reward"}
    row = result(agent="ppo", entry=recipe["entry"], model=recipe["model"], training=training)
    row = Result.model_validate_json(row.model_dump_json())
    assert command(row, tasks.spec("copy")) == "ntm-envs train --agent ppo --task copy --seed 0"


def test_the_command_that_trains_again_is_there_where_it_does():
    recall = tasks.spec("associative_recall")
    recipe = new_run("ntm", "associative_recall").resolved()
    training = TRAINING | {"recipe": recipe["train"]}
    again = result(
        task="associative_recall", seed=3, entry=recipe["entry"], model=recipe["model"], training=training
    )
    again = Result.model_validate_json(again.model_dump_json())
    assert command(again, recall) == "ntm-envs train --agent ntm --task associative_recall --seed 3"
    for changes in (
        {"agent": "mine"},
        {"training": None},
        {"model": again.model | {"option_that_is_gone": 6}},
        {"training": again.training.model_copy(update={"learner": "ppo"})},
    ):
        assert command(again.model_copy(update=changes), recall) is None
    before = recipe["train"] | {
        "sequences": 7,
        "mixed_sizes": not recipe["train"]["mixed_sizes"],
        "task_overrides": {"near_misses": 0.25, "blank": 0.5},
        "sizes": {},
        "curriculum": {"items": 3},
        "privileges": ("best_of_seeds",),
    }
    del before["restarts"]  # which came later
    older = again.model_copy(
        update={
            "training": again.training.model_copy(update={"recipe": before}),
            "model": again.model
            | {"gate_bias": [-4.0, 0.5, 1.0], "orthogonal_init": False, "memory_slots": 64, "shift_bias": []},
        }
    )
    older = Result.model_validate_json(older.model_dump_json())
    words = shlex.split(command(older, recall))
    assert words[:6] == ["ntm-envs", "train", "--agent", "ntm", "--task", "associative_recall"]
    with pytest.MonkeyPatch.context() as patch:  # the command line understands it, and makes the same of it
        made = []
        patch.setattr(supervised, "ROW", replace(supervised.ROW, trainer=f"{__name__}:Stopped"))
        patch.setattr(Stopped, "made", made, raising=False)
        assert cli.main(words[1:]) == 2
    (run,) = made
    assert run.train == TrainConfig(**before)
    assert json.loads(json.dumps(run.model)) == older.model
