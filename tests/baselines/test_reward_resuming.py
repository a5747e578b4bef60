"""Runs that learn from rewards resume after interrupts and kills, and end as if there had been none."""

import os
import signal
from dataclasses import replace

import pytest
from rewards import CONFIGS, ENTRIES, reward_run, start
from tiny_runs import interrupted, killed, without_time

from ntm_agents.training import CheckpointError
from ntm_agents.training.checkpoint import load_tensors, save_tensors

GROWING = {"total_timesteps": 2048, "curriculum": {"length": 2}, "validate_every": 200}
CASES = {
    **{name: (*case, {}, "copy") for name, case in ENTRIES.items()},
    **{f"{name}, growing": (*case, GROWING, "copy") for name, case in ENTRIES.items()},
    "ntm, reacting": (*ENTRIES["ntm"], {"gamma": 0.9}, "tape_reverse"),
    # Sparse links have integers in the state.
    "dnc": (
        "ntm_agents:DNC",
        {"hidden_size": 4, "memory_width": 4, "read_heads": 1, "links": 2},
        "ppo",
        {"total_timesteps": 384, "n_epochs": 1, "validate_every": 200},
        "copy",
    ),
    "a2c, reacting": (*ENTRIES["a2c"], {"gamma": 0.9}, "tape_copy"),
    "lstm, symbols": (*ENTRIES["lstm"], {"gae_lambda": 0.5, "gamma": 0.5}, "stack_manipulation"),
    "lstm, long": (
        *ENTRIES["lstm"],
        {"n_steps": 7, "task_overrides": {"near_misses": 0.3}},
        "associative_recall",
    ),
}


@pytest.mark.parametrize(("entry", "model", "learner", "options", "task"), CASES.values(), ids=CASES)
def test_a_run_that_was_interrupted_ends_in_the_same_bytes(tmp_path, entry, model, learner, options, task):
    """This holds for every algorithm, with and without a memory, and with episodes in flight."""
    config = replace(CONFIGS[learner], total_timesteps=1024, validate_every=300)
    run = reward_run(entry, model, learner, config=replace(config, **options), task=task)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    start(run, whole).train()
    interrupted(lambda report: start(run, parts, report=report), parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)
    assert not (parts / "checkpoint.safetensors").exists()


def test_a_killed_run_ends_in_the_same_bytes(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    changes = {"total_timesteps": 6_400, "checkpoint_seconds": 0.05}
    start(reward_run(*ENTRIES["stacked"], config=replace(CONFIGS["ppo"], **changes)), whole).train()
    prepare = (
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from rewards import CONFIGS, ENTRIES, reward_run, start\n"
        "start(reward_run()).train()"  # imports what is imported late
    )
    config = f"replace(CONFIGS['ppo'], **{changes!r})"
    run = f"reward_run(*ENTRIES['stacked'], config={config})"
    killed(prepare, f"start({run}, Path({str(parts)!r})).train()", parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)


def stopped(folder):
    """Interrupt a run at its first line of metrics."""
    with pytest.raises(KeyboardInterrupt):
        start(reward_run(), folder, report=lambda _: os.kill(os.getpid(), signal.SIGINT)).train()
    return folder / "checkpoint.safetensors"


def test_an_interrupt_ends_the_present_update_and_leaves_a_checkpoint(tmp_path):
    tensors, record = load_tensors(stopped(tmp_path))
    assert record["counters"]["updates"] == 1
    assert record["counters"]["steps"] == 64
    parts = {name.partition(".")[0] for name in tensors}
    assert parts == {"rng", "returns", "policy", "optimizer", "play"}
    trainer = start(reward_run(), tmp_path)
    assert (trainer.counters.updates, trainer.algorithm.num_timesteps) == (1, 64)
    trainer.train()
    assert trainer.counters.steps == 512


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = stopped(tmp_path)
    tensors, record = load_tensors(path)
    gone = next(name for name in tensors if name.startswith("optimizer."))
    save_tensors(path, {name: tensor for name, tensor in tensors.items() if name != gone}, record)
    with pytest.raises(CheckpointError, match=f"lacks the tensor '{gone}'"):
        start(reward_run(), tmp_path)


def test_the_second_budget_is_time():
    trainer = start(reward_run(config=replace(CONFIGS["ppo"], total_timesteps=10**9, minutes=1e-9)))
    trainer.train()
    assert trainer.counters.updates == 1
