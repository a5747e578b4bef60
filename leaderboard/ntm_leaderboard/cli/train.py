"""`ntm-envs train`: train an agent on a task by its recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from ntm_agents import config_class
from ntm_agents.kernels.threads import set_num_threads
from ntm_agents.testing import check_model
from ntm_agents.training.lessons import lessons_beyond
from ntm_agents.training.sources import source_digest
from ntm_envs import tasks
from ntm_envs.lookup import is_reference, load
from ntm_leaderboard.cli import progress
from ntm_leaderboard.cli.options import extended
from ntm_leaderboard.cli.parsing import parse, peek
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness.entrants import agent_spec, new_run
from ntm_leaderboard.harness.launcher import usable_threads
from ntm_leaderboard.harness.recipes import read_recipe
from ntm_leaderboard.wording import command

KERNELS = {
    "compiled": "single steps by torch.compile",
    "fused": "first use on a machine compiles it, for half a minute",
    "reference": "plain PyTorch",
}
"""Explanations of a trainer's `kernel`."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Train an agent on a task by its recipe; every setting of the recipe is an option.

    The same command on the same folder resumes an interrupted run.

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
    learner: str | None = None
    """Learner: supervised (from targets), ppo or a2c (from rewards alone, by Stable-Baselines3), or one of an
    installed package. Without it: the learner of the recipe."""
    recipe: Path | None = None
    """JSON file in place of the agent's recipe, such as {"learner": "ppo", "model": {"hidden_size": 64},
    "train": {"gamma": 0.9}}. Other options override it."""
    output: Path | None = None
    """Folder of the run. Without it: runs/TASK-AGENT-SEED."""
    device: str = "cpu"
    """Device to compute on, such as cpu or cuda."""
    threads: int = field(default_factory=usable_threads)
    """Number of threads on which the fused kernel of a memory machine computes a batch; the results are the
    same to the byte. Without it: OMP_NUM_THREADS, or the cores that this process may use."""
    tensorboard: bool = False
    """Also write TensorBoard's event files into the folder."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    agent, task = peek(argv, "--agent", "ntm"), peek(argv, "--task", "copy")
    config = config_class(load(agent_spec(agent).entry))
    file, learner = peek(argv, "--recipe", ""), peek(argv, "--learner", "")
    recipe = read_recipe(Path(file), config) if file else None
    run = new_run(agent, task, learner=learner or None, recipe=recipe)
    if peek(argv, f"--{run.learner_row().budget.replace('_', '-')}", ""):  # also in place of one in steps
        run = dataclasses.replace(run, train=run.train.for_task(run.task_spec()))
    fields = [
        ("train", Annotated[type(run.train), tyro.conf.arg(name="")], field(default=run.train)),
        ("model", config, field(default_factory=lambda: config(**run.model))),
    ]
    options = parse(extended(TrainOptions, fields), argv, "train")
    set_num_threads(options.threads)
    if is_reference(agent) and source_digest(run.entry):  # the project's own may need a task's channels
        check_model(load(run.entry), task=run.task_spec().make(), config=dataclasses.asdict(options.model))
    name = f"{tasks.spec(options.task).name}-{run.agent}-{options.seed}"
    folder = options.output or Path("runs") / name
    run = dataclasses.replace(
        run, model=dataclasses.asdict(options.model), train=options.train, seed=options.seed
    )
    listeners: list[Callable[[Mapping[str, Any]], None]] = []

    def notify(metrics: Mapping[str, Any]) -> None:
        for listen in listeners:
            listen(metrics)

    trainer = run.learner_row().start(run, folder, report=notify, device=options.device)
    if trainer.complete:
        say(f"The run in {folder} is complete. Evaluate it: {command('evaluate', folder)}")
        return 0
    if trainer.kernel:
        say(f"kernel: {trainer.kernel} ({KERNELS.get(str(trainer.kernel), 'of the model itself')})")
    if beyond := lessons_beyond(run.train, run.task_spec()):
        above = f"Lesson {beyond[0]} goes above the training range"
        say(f"{above}, so this run is none for the leaderboard (--last-lesson).")
    with ExitStack() as stack:
        shown = progress.training_display(console, run, trainer.counters.restarted_at)
        listeners.append(stack.enter_context(shown))
        if options.tensorboard:
            listeners.append(stack.enter_context(progress.tensorboard_log(folder)))
        try:
            trainer.train()
        except KeyboardInterrupt:
            at = f"stopped at {trainer.counters.sequences:,} sequences"
            raise KeyboardInterrupt(f"{at}; the same command resumes from there") from None
    counters = trainer.counters
    largest = (
        "largest training size" if counters.lesson is None else f"largest size of lesson {counters.lesson}"
    )
    say(
        f"Trained on {counters.sequences:,} sequences in {counters.seconds:.0f} s; sequence accuracy at the "
        f"{largest} {counters.best_accuracy:.3f}."
    )
    say(f"Evaluate it: {command('evaluate', folder)}")
    return 0
