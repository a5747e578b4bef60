"""What each ingredient of a recipe is for: the recipe without it, on five seeds.

    .venv/bin/python benchmarks/ablations.py
    .venv/bin/python benchmarks/ablations.py --tasks copy

Every ablation is the command that trains by the recipe, with an option or two: what the table has, behind
`ntm-envs train --agent ntm --task copy --seed 0`, makes it again. Runs go two at a time, each on one thread.
A line of each is kept in `ablations/`; what has its line is not done again, until the recipe changes. A table
has the number of wrong sequences of each size, seed by seed, or the cost in bits above that of the oracle.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import tyro
from seeds import BY_COST, above

import ntm_agents
from ntm_agents.registry import find
from ntm_agents.training.config import TrainConfig
from ntm_envs import tasks
from ntm_leaderboard.results import Result

WHOLE = "nothing"
"""What is taken away from the recipe itself."""

TRAINING = {
    "gradient clipping": "--max-grad-norm None",
    "learning-rate decay": "--schedule constant",
    "weight averaging": "--ema-decay 0",
}
"""What all recipes have."""

ABLATIONS: dict[str, dict[str, str]] = {
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
"""By task and ingredient, the options that take it away."""

COMMON = {"priority_sort": "--sequences 100000"}
"""What all runs of a task are told: a sixth of the recipe's sequences, where these take minutes."""

SIZES = {
    "copy": (20, 120, 400),
    "associative_recall": (6, 20, 60),
    "repeat_copy": (10, 20),
    "ngrams": (200, 400),
    "priority_sort": (20, 30),
}
"""The values of the size that grows, of the first ladder, that are shown."""


LOGS = Path(__file__).parent / "ablations"
"""A line a run, by task: what tables are made of, and what a later call need not do again."""
KEY = ("recipe", "ingredient", "options", "seed")
"""What lines differ in; the recipe by the start of the SHA-256 of what it sets."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train recipes without each of their ingredients, and print a table for each task."""

    tasks: tuple[str, ...] = tuple(ABLATIONS)
    """Tasks, by name."""
    seeds: int = 5
    """Number of seeds, from 0."""
    jobs: int = 2
    """Runs at a time, each on one thread."""
    show: bool = False
    """Print the tables of what is done, and train nothing."""
    output: Path = Path("bench/ablations")
    """Folder of the runs."""


@dataclass(frozen=True)
class Job:
    """A run without one ingredient, or with all."""

    task: str
    ingredient: str
    seed: int

    @property
    def options(self) -> str:
        """What is said to `ntm-envs train` besides agent, task and seed."""
        return " ".join(filter(None, (COMMON.get(self.task), ABLATIONS[self.task].get(self.ingredient))))

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What a line of the log is of, the values of `KEY`."""
        recipe, defaults = find("ntm", ntm_agents.TABLE).recipe(self.task), asdict(TrainConfig())
        own = {name: value for name, value in asdict(recipe.train).items() if value != defaults[name]}
        text = json.dumps([recipe.model, own], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12], self.ingredient, self.options, self.seed

    def do(self, output: Path) -> dict[str, Any]:
        """Train and judge; return the line of the log."""
        folder = output / self.task / self.key[0] / self.ingredient.replace(" ", "_") / f"seed-{self.seed}"
        train = f"train --agent ntm --task {self.task} --seed {self.seed} --output {folder} {self.options}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("ab") as log:
            for command in (train, f"evaluate {folder} --up-to {SIZES[self.task][-1]}"):
                if (folder / "result.json").exists():
                    break
                done = subprocess.run(
                    [sys.executable, "-m", "ntm_leaderboard", *shlex.split(command)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                    check=False,  # what fails is a line of the table
                )
                if done.returncode < 0:
                    raise RuntimeError(f"{folder} was ended by signal {-done.returncode}; call me again")
        line: dict[str, Any] = dict(zip(KEY, self.key, strict=True))
        if not (folder / "result.json").exists():
            return line | {"failed": (folder / "log.txt").read_text().strip().rpartition("\n")[2]}
        result = Result.read(folder / "result.json")
        assert result.training
        size = next(iter(tasks.spec(self.task).ladders))
        return line | {
            "training_sequences": result.training.sequences,
            "seconds": round(result.training.seconds),
            "rungs": {
                str(rung.sizes[size]): [rung.sequences - rung.score.all_right, float(above(rung))]
                for rung in reversed(result.rungs)  # of those alike in size, the first
                if rung.sizes[size] in SIZES[self.task]
            },
        }


def main(options: Options) -> None:
    """Do what is left to do, and print the tables."""
    LOGS.mkdir(exist_ok=True)
    for task in options.tasks:
        log = LOGS / f"{task}.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        done = {tuple(line[name] for name in KEY): line for line in lines}
        names = [WHOLE, *ABLATIONS[task]]
        jobs = [Job(task, name, seed) for name in names for seed in range(options.seeds)]
        left = [job for job in jobs if job.key not in done]
        pool = ThreadPoolExecutor(options.jobs)
        try:
            running = [] if options.show else [pool.submit(job.do, options.output) for job in left]
            for i, future in enumerate(as_completed(running), 1):
                line = future.result()
                done[tuple(line[name] for name in KEY)] = line
                with log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(f"{task}, {i} of {len(left)}: {line}", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
        print(_table(task, [job for job in jobs if job.key in done], done))


def _table(task: str, jobs: list[Job], done: dict[tuple[Any, ...], dict[str, Any]]) -> str:
    """Return a table in Markdown, a line an ingredient."""
    by_cost = task in BY_COST
    what = "bits above the optimum" if by_cost else "wrong sequences"
    lines = [
        f"\n**{task}**, {what} by size, seed by seed\n",
        "| without | " + " | ".join(f"{size:,}" for size in SIZES[task]) + " | options |",
        "| --- |" + " --- |" * len(SIZES[task]) + " --- |",
    ]
    for (name, options), of_name in groupby(jobs, lambda job: (job.ingredient, job.options)):
        found = [done[job.key] for job in of_name]
        cells = [
            ", ".join(
                str(line["rungs"][str(size)][by_cost]) if "rungs" in line else "failed" for line in found
            )
            for size in SIZES[task]
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {f'`{options}`' if options else ''} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Options))
