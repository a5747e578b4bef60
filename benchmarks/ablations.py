"""Trains recipes without each of their ingredients, on five seeds, and prints the costs.

    .venv/bin/python benchmarks/ablations.py
    .venv/bin/python benchmarks/ablations.py --tasks copy
    .venv/bin/python benchmarks/ablations.py --agent ntm-one --ingredients "roles of heads" --first-seed 2113

An ablation is the command that trains by the recipe, with an option or two: those in the last column of the
table, behind `ntm-envs train --agent ntm --task copy --seed 0`. As many runs go at a time as there are cores.
The logs in `ablations/` have a line for each run; a run with a line is not repeated, until the recipe
changes. A table has the number of wrong sequences at each size, seed by seed, or the cost in bits above the
oracle's.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

import ntm_agents
from ntm_agents.registry import find
from ntm_agents.training.config import TrainConfig
from ntm_envs import tasks
from ntm_leaderboard.documents.ablations import WHOLE, ablation_table, of_one_recipe, read_log
from ntm_leaderboard.documents.markdown import by_cost, cost_above_oracle
from ntm_leaderboard.harness.jobs import Arguments, Failure, Job
from ntm_leaderboard.harness.launching import LaunchOptions
from ntm_leaderboard.results import Result

TRAINING = {
    "gradient clipping": "--max-grad-norm None",
    "learning-rate decay": "--schedule constant",
    "weight averaging": "--ema-decay 0",
}
"""Ingredients of all recipes that are made for a task."""

OF_A_TASK: dict[str, dict[str, str]] = {
    "copy": {
        "shifting write head": "--model.shift-bias 0 0 0",
        "heads start at the first slot": "--model.head-init uniform",
        "equal initial slots": "--model.memory-init random",
        "growing memory": "--model.memory-slots 128",
        "feed-forward controller": "--model.controller lstm",
        "blank vectors": "--task-overrides blank 0",
        **TRAINING,
    },
    "associative_recall": {
        "closed gates": "--model.gate-bias 0",
        "shifting heads": "--model.shift-bias 0 0 0",
        "unsharpened content head": "--model.sharpening-bias 1",
        "second read head": (
            "--model.read-heads 1 --model.gate-bias -6 -1 --model.shift-bias 0 0 6 0 0 4 "
            "--model.sharpening-bias 1 -4"
        ),
        "memory initialised to zeros": "--model.memory-init-scale 1e-6",
        "equal initial slots": "--model.memory-init random --model.memory-init-scale 1",
        "heads start at the first slot": "--model.head-init uniform",
        "growing memory": "--model.memory-slots 128",
        "LSTM controller": "--model.controller feedforward",
        "near misses": "--task-overrides near_misses 0",
        "long lists only": "--sizes items 2 6",
        **TRAINING,
    },
    "repeat_copy": {
        "closed gates": "--model.gate-bias -3",
        "shifting heads": "--model.shift-bias 0 0 0",
        "sharp write head, soft read head": "--model.sharpening-bias 0",
        "heads start at the first slot": "--model.head-init uniform",
        "equal initial slots": "--model.memory-init random",
        "feed-forward controller": "--model.controller lstm",
        "controller noise": "--model.controller-noise 0",
        "blank vectors": "--task-overrides blank 0",
        "curriculum": "--curriculum-end 0",
        "short curriculum": "--curriculum-end 0.5",
        "high learning rate": "--learning-rate 0.003",
        "rollback": "--rollback None",
        **TRAINING,
        "strict gradient clipping (0.05)": "--max-grad-norm 0.5",
        "low beta2": "--beta2 0.999",
        "mixed sizes in a batch": "--no-mixed-sizes",
        "small batches": "--batch-size 32 --bucket-size 8",
    },
    "ngrams": {
        "content addressing from the start": "--model.gate-bias 0",
        "heads that stay": "--model.shift-bias 0 0 0",
        "no erasing": "--model.erase-bias 0",
        "following write head": "--model.followers 0",
        "distinct initial slots": "--model.memory-init constant",
        "more slots than contexts": "--model.memory-slots 32",
        "orthogonal initialisation": "--model.no-orthogonal-init",
        "LSTM controller": "--model.controller feedforward",
        "no read feedback": "--model.read-feedback",
        "hidden output layer (asinh)": "--model.output-hidden-size 0",
        "small batches": "--batch-size 32",
        **TRAINING,
    },
    "priority_sort": {
        "gate roles": "--model.gate-bias 0",
        "shifting write head, staying read head": "--model.shift-bias 0 0 0",
        "following write head": "--model.followers 0",
        "read before writing": "--model.order write_first",
        "short keys": "--model.key-width None",
        "skip connection": "--model.no-skip-connection",
        "large epsilon": "--model.epsilon 1e-8",
        "memory initialised to zeros": "--model.memory-init-scale 1e-6",
        "no read feedback": "--model.read-feedback",
        "LSTM controller": "--model.controller feedforward",
        "shorter lists too": "--sizes length 20 20 --curriculum length 20",
        "curriculum": "--curriculum-end 0",
        "small batches": "--batch-size 32",
        **TRAINING,
    },
}
"""Options that take an ingredient of `ntm` away, by task and ingredient."""

NEUTRAL = (
    "--model.gate-bias 0 --model.shift-bias 0 0 0 --model.sharpening-bias 0 --model.strength-bias 0 "
    "--model.erase-bias 0 --model.followers 0 --model.erasers 0 --model.erase-limit 1"
)
"""Options with which all heads of a kind are alike, and start without a bias."""

OF_ALL_TASKS = {
    "roles of heads": NEUTRAL,
    "roles of heads (ten times the sequences)": f"{NEUTRAL} --steps 60000000",
    "biases that give roles": "--model.gate-bias 0 --model.shift-bias 0 0 0 --model.sharpening-bias 0",
    "following write head": "--model.followers 0",
    "a write head that only erases": "--model.erasers 0 --model.erase-limit 1",
    "erasing more than there is": "--model.erase-limit 1",
    "erasing little at first": "--model.erase-bias 0",
    "short keys": "--model.key-width None",
    "skip connection": "--model.no-skip-connection",
    "sharp look-ups": "--model.strength-bias 0",
    "strengths that grow with the memory": "--model.no-strength-growth",
    "controller noise": "--model.controller-noise 0",
    "layer beside the logits (asinh)": "--model.output-hidden-size 0",
    "growing sizes": "--curriculum-end 0",
    "largest sizes early": "--alternate-from None",
    "smaller steps once solved": "--solved-loss None",
    "memories of random sizes": "--memory-doublings 0 --memory-sizes powers",
    "memories that are nearly full": "--memory-sizes powers",
    "small batches": "--batch-size 32",
    "strict gradient clipping": "--max-grad-norm 0.5",
    "low beta2": "--beta2 0.999",
    "rollback": "--rollback None",
    "smaller steps after a rollback": "--rollback-rate 1",
}
"""Options that take an ingredient of `ntm-one` away, the same for every task."""

ABLATIONS = {"ntm": OF_A_TASK, "ntm-one": dict.fromkeys(OF_A_TASK, OF_ALL_TASKS)}
"""Options that take an ingredient away, by agent, task and ingredient."""

COMMON = {("ntm", "priority_sort"): "--sequences 100000"}
"""Options of all runs of a recipe: a sixth of its sequences, if a whole run takes minutes."""

SIZES = {
    "copy": (20, 120, 400),
    "associative_recall": (6, 20, 60),
    "repeat_copy": (10, 20),
    "ngrams": (200, 400),
    "priority_sort": (20, 30),
}
"""Sizes of the tables: values of the size that grows along the first ladder."""

LOGS = Path(__file__).parent / "ablations"
"""Folder of the logs, one for each agent and task, with a line a run."""
KEY = ("recipe", "ingredient", "options", "seed")
"""The fields that identify a line; the recipe is given by a digest of its settings."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train recipes without each of their ingredients, and print a table for each task."""

    agent: Literal["ntm", "ntm-one"] = "ntm"
    """Agent whose recipes are ablated."""
    tasks: tuple[str, ...] = tuple(OF_A_TASK)
    """Names of tasks."""
    ingredients: tuple[str, ...] = ()
    """Ingredients to leave out, of those in the tables; without this option, all."""
    seeds: int = 5
    """Number of seeds."""
    first_seed: int = 0
    """First seed; the others follow it."""
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = field(default_factory=LaunchOptions)
    show: bool = False
    """Print the tables of the logs, and train nothing."""
    output: Path = Path("bench/ablations")
    """Folder of the runs."""


@dataclass(frozen=True, kw_only=True)
class Ablation(Job):
    """A run of a recipe without one ingredient, or with all of them.

    Attributes:
        agent: Name of the agent.
        task: Name of the task.
        ingredient: The ingredient; `WHOLE` for the whole recipe.
        seed: The seed.
    """

    agent: str
    task: str
    ingredient: str
    seed: int

    def __str__(self) -> str:
        return f"{self.agent} on {self.task} without {self.ingredient}, seed {self.seed}"

    @property
    def options(self) -> str:
        """The options of `ntm-envs train` besides agent, task and seed."""
        common = COMMON.get((self.agent, self.task))
        return " ".join(filter(None, (common, ABLATIONS[self.agent][self.task].get(self.ingredient))))

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The values of `KEY` in the line of this run."""
        return digest(self.agent, self.task), self.ingredient, self.options, self.seed

    def complete(self) -> bool:
        """Return whether there is a result."""
        return (self.folder / "result.json").exists()

    def commands(self) -> list[Arguments]:
        """Return the commands that train and evaluate."""
        what = ["--agent", self.agent, "--task", self.task, "--seed", str(self.seed)]
        evaluate: Arguments = ["evaluate", self.folder, "--up-to", str(SIZES[self.task][-1])]
        return [["train", *what, *shlex.split(self.options), "--output", self.folder], evaluate]

    def line(self, failure: Failure | None) -> dict[str, Any]:
        """Return the line of the log."""
        line: dict[str, Any] = dict(zip(KEY, self.key, strict=True))
        if failure is not None:
            return line | {"failed": failure.reason}
        result = Result.read(self.folder / "result.json")
        assert result.training
        size = next(iter(tasks.spec(self.task).ladders))
        return line | {
            "training_sequences": result.training.sequences,
            "seconds": round(result.training.seconds),
            "rungs": {
                str(rung.sizes[size]): [
                    rung.sequences - rung.score.all_right,
                    round(cost_above_oracle(rung), 2),
                ]
                for rung in reversed(result.rungs)  # of rungs with the same size, the first is kept
                if rung.sizes[size] in SIZES[self.task]
            },
        }


def digest(agent: str, task: str) -> str:
    """Return a digest of the settings of an agent's recipe on a task."""
    recipe, defaults = find(agent, ntm_agents.TABLE).recipe(task), asdict(TrainConfig())
    own = {name: value for name, value in asdict(recipe.train).items() if value != defaults[name]}
    return hashlib.sha256(json.dumps([recipe.model, own], sort_keys=True).encode()).hexdigest()[:12]


def main(options: Options) -> None:
    """Run what is left, and print the tables.

    Raises:
        ValueError: If an ingredient is unknown.
    """
    if not options.show:
        options.launch.make(Console(stderr=True))(jobs_left(options), keep)
    for task in options.tasks:
        lines = of_one_recipe(read_log(log_of(options.agent, task)), digest(options.agent, task))
        spec = tasks.spec(task)
        measure = "bits above the optimum" if by_cost(spec) else "wrong sequences"
        print(f"\n**{task}**, {measure} by size, seed by seed\n\n{ablation_table(spec, lines)}")


def jobs_left(options: Options) -> list[Ablation]:
    """Return the runs that have no line in the logs, one seed after the other."""
    numbers, jobs = count(), []
    for seed, task in product(range(options.first_seed, options.first_seed + options.seeds), options.tasks):
        agent, known = options.agent, (WHOLE, *ABLATIONS[options.agent][task])
        if unknown := set(options.ingredients).difference(known):
            raise ValueError(f"ingredient {min(unknown)!r} is unknown; {task} has: {', '.join(known)}")
        done = {tuple(line[name] for name in KEY) for line in read_log(log_of(agent, task))}
        for ingredient in options.ingredients or known:
            place = options.output / task / digest(agent, task) / ingredient.replace(" ", "_")
            job = Ablation(
                number=next(numbers),
                folder=place / f"seed-{seed}",
                agent=agent,
                task=task,
                ingredient=ingredient,
                seed=seed,
            )
            if job.key not in done:
                jobs.append(job)
    return jobs


def log_of(agent: str, task: str) -> Path:
    """Return the log of an agent's runs on a task."""
    return LOGS / agent / f"{task}.jsonl"


def keep(job: Ablation, failure: Failure | None) -> None:
    """Append the line of a run to its log; one that a signal ended has none, and is run again."""
    if failure is None or not failure.killed:
        log = log_of(job.agent, job.task)
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(job.line(failure)) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
