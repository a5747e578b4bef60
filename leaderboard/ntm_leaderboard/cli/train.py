"""`ntm-envs train`: train an agent on a task by its recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from ntm_agents import config_class
from ntm_agents.testing import check_model
from ntm_agents.training.config import RewardConfig
from ntm_envs import tasks
from ntm_envs.lookup import is_reference, load
from ntm_leaderboard.cli import progress
from ntm_leaderboard.cli.options import extended
from ntm_leaderboard.cli.parsing import parse, peek
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness.entrants import agent_spec, new_run

TRAINER, REWARD_TRAINER = "ntm_agents:Trainer", "ntm_baselines.sb3.trainer:RewardTrainer"
"""The trainers. The second needs Stable-Baselines3, so neither is imported before it is needed."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Train an agent on a task by its recipe; every setting of the recipe is an option.

    The same command on the same folder resumes an interrupted run. Learning from rewards starts again.

    The options below, and their defaults, are those of the agent and the task that are named before --help.

    Example:
        ntm-envs train --agent lstm --task copy --model.hidden-size 64 --output runs/lstm
    """

    agent: str = "ntm"
    """Name from `ntm-envs agents`, or a model of your own, such as ./my_model.py:MyModel."""
    task: str = "copy"
    """Name from `ntm-envs tasks`, or a task of your own, such as ./my_task.py:MY_TASK."""
    seed: int = 0
    """Seed of the initial weights, the training sequences and the noise."""
    track: Literal["supervised", "reward"] | None = None
    """What to learn from, targets or rewards alone (by Stable-Baselines3); without it, what the
    agent's recipe is for."""
    output: Path | None = None
    """Folder of the run. Without it: runs/TASK-AGENT-SEED."""
    device: str = "cpu"
    """Device to compute on, such as cpu or cuda."""
    tensorboard: bool = False
    """Also write TensorBoard's event files into the folder."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    agent, task = peek(argv, "--agent", "ntm"), peek(argv, "--task", "copy")
    run = new_run(agent, task, track=peek(argv, "--track", "") or None)
    config = config_class(load(agent_spec(agent).entry))
    fields = [
        ("train", Annotated[type(run.train), tyro.conf.arg(name="")], field(default=run.train)),
        ("model", config, field(default_factory=lambda: config(**run.model))),
    ]
    options = parse(extended(TrainOptions, fields), argv, "train")
    if is_reference(agent):
        task_made = run.task_spec().make()
        check_model(
            load(run.entry),
            input_size=task_made.input_size,
            output_size=task_made.output_size,
            config=dataclasses.asdict(options.model),
        )
    name = f"{tasks.spec(options.task).name}-{run.agent}-{options.seed}"
    folder = options.output or Path("runs") / name
    run = dataclasses.replace(
        run, model=dataclasses.asdict(options.model), train=options.train, seed=options.seed
    )
    listeners: list[Callable[[Mapping[str, Any]], None]] = []

    def notify(metrics: Mapping[str, Any]) -> None:
        for listen in listeners:
            listen(metrics)

    rewards = isinstance(run.train, RewardConfig)
    trainer = load(REWARD_TRAINER if rewards else TRAINER)(run, folder, report=notify, device=options.device)
    if trainer.complete:
        say(f"The run in {folder} is complete. Evaluate it: ntm-envs evaluate {folder}")
        return 0
    if trainer.kernel:
        first = " (its first use on a machine compiles it, for half a minute)"
        say(f"kernel: {trainer.kernel}{first if trainer.kernel == 'fused' else ''}")
    restarted_at = 0 if rewards else trainer.counters.restarted_at
    with ExitStack() as stack:
        listeners.append(stack.enter_context(progress.training_display(console, run.train, restarted_at)))
        if options.tensorboard:
            listeners.append(stack.enter_context(progress.tensorboard_log(folder)))
        try:
            trainer.train()
        except KeyboardInterrupt:
            seen = trainer.counters.sequences
            again = "starts again" if rewards else "resumes from there"
            say(f"Stopped at {seen:,} sequences. The same command {again}.")
            raise
    counters = trainer.counters
    say(
        f"Trained on {counters.sequences:,} sequences in {counters.seconds:.0f} s; sequence accuracy at the "
        f"largest training size {counters.best_accuracy:.3f}.\nEvaluate it: ntm-envs evaluate {folder}"
    )
    return 0
