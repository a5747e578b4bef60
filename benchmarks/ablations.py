"""What each ingredient of a recipe is for: the recipe without it, on five seeds.

    .venv/bin/python benchmarks/ablations.py
    .venv/bin/python benchmarks/ablations.py --tasks copy

Every ablation is the command that trains by the recipe, with an option or two: what the table has, behind
`ntm-envs train --agent ntm --task copy --seed 0`, makes it again. Runs go two at a time, each on one thread;
what is done already is not done again. For each size a table has the number of sequences with a wrong bit,
seed by seed, or the cost in bits above that of the oracle.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import tyro
from seeds import BY_COST, above

from ntm_envs import tasks
from ntm_leaderboard.results import Result, Rung

WHOLE = "nothing"
"""What is taken away from the recipe itself."""

TRAINING = {
    "clipped gradient": "--clip-norm None",
    "falling rate": "--schedule constant",
    "averaged weights": "--average 0",
}
"""What all recipes have."""

ABLATIONS: dict[str, dict[str, str]] = {
    "copy": {
        "gate shut": "--model.gate-bias 0",
        "writer that walks": "--model.shift-bias 0 0 0",
        "start at the first slot": "--model.head-start uniform",
        "all slots alike": "--model.memory-start random",
        "memory that grows": "--model.memory-slots 128",
        "feed-forward controller": "--model.controller lstm",
        "noise": "--model.noise 0",
        "penalty on blur": "--penalty 0",
        "blank vectors": "--lessons.blank 0",
        **TRAINING,
    },
    "associative_recall": {
        "gates shut": "--model.gate-bias 0",
        "heads that walk": "--model.shift-bias 0 0 0",
        "strong keys": "--model.strength-bias 0",
        "no sharpening of look-up": "--model.sharpening-bias 1",
        "second reader": (
            "--model.read-heads 1 --model.gate-bias -6 -1 --model.shift-bias 0 0 6 0 0 4 "
            "--model.sharpening-bias 1 -4"
        ),
        "empty memory of zeros": "--model.memory-scale 1e-6",
        "all slots alike": "--model.memory-start random --model.memory-scale 1",
        "start at the first slot": "--model.head-start uniform",
        "memory that grows": "--model.memory-slots 128",
        "feed-forward controller": "--model.controller lstm",
        "near misses": "--lessons.near-misses 0",
        "memory with room": "--slack 1",
        "long lists alone": "--sizes.items 2 6",
        "sizes mixed in a batch": "--no-mixed-sizes",
        "short memory of gradients": "--beta2 0.999",
        "floor under gradients": "--epsilon 1e-8",
        "rate that falls early": "--decay-start 0.5",
        **TRAINING,
    },
    "repeat_copy": {
        "gates shut": "--model.gate-bias -3",
        "heads that walk": "--model.shift-bias 0 0 0",
        "sharp writer, soft reader": "--model.sharpening-bias 0",
        "wider slots": "--model.memory-width 20",
        "start at the first slot": "--model.head-start uniform",
        "all slots alike": "--model.memory-start random",
        "feed-forward controller": "--model.controller lstm",
        "noise": "--model.noise 0",
        "penalty on blur": "--penalty 0",
        "blank vectors": "--lessons.blank 0",
        "curriculum": "--curriculum-end 0",
        "sizes mixed in a batch": "--no-mixed-sizes",
        "small batches": "--batch-size 32",
        "short memory of gradients": "--beta2 0.999",
        "floor under gradients": "--epsilon 1e-8",
        "rate that falls early": "--decay-start 0.5",
        "gradient clipped to 0.2": "--clip-norm 0.5",
        **TRAINING,
    },
    "ngrams": {
        "look-up from the start": "--model.gate-bias 0",
        "heads that stay": "--model.shift-bias 0 0 0",
        "strong keys": "--model.strength-bias 0",
        "nothing erased": "--model.erase-bias 0",
        "writer that follows": "--model.followers 0",
        "slots that differ": "--model.memory-start constant",
        "more slots than contexts": "--model.memory-slots 32",
        "orthogonal weights": "--model.no-orthogonal",
        "LSTM controller": "--model.controller feedforward",
        "controller that does not see what is read": "--model.feedback",
        "hidden layer of asinh": "--model.output-units 0",
        "small batches": "--batch-size 32",
        "rate that falls a little early": "--decay-start 0.5",
        **TRAINING,
    },
    "priority_sort": {
        "roles of gates": "--model.gate-bias 0",
        "writer that walks, reader that stays": "--model.shift-bias 0 0 0",
        "strong keys": "--model.strength-bias 0",
        "little erased at first": "--model.erase-bias 0",
        "writer that follows": "--model.followers 0",
        "read before writing": "--model.order write_first",
        "short keys": "--model.key-width None",
        "way round the controller": "--model.no-skip",
        "large epsilon": "--model.epsilon 1e-8",
        "empty memory of zeros": "--model.memory-scale 1e-6",
        "controller that does not see what is read": "--model.feedback",
        "LSTM controller": "--model.controller feedforward",
        "shorter lists as well": "--sizes.length 20 20 --curriculum.length 20",
        "curriculum": "--curriculum-end 0",
        "small batches": "--batch-size 32",
        "longer average": "--average 0.99",
        **TRAINING,
    },
}
"""By task and ingredient, the options that take it away."""

SIZES = {
    "copy": (20, 120, 400),
    "associative_recall": (6, 20, 60),
    "repeat_copy": (10, 20),
    "ngrams": (200, 400),
    "priority_sort": (20, 30),
}
"""The values of the size that grows, of the first ladder, that are shown."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train recipes without each of their ingredients, and print a table for each task."""

    tasks: tuple[str, ...] = tuple(ABLATIONS)
    """Tasks, by name."""
    seeds: int = 5
    """Number of seeds, from 0."""
    jobs: int = 2
    """Runs at a time, each on one thread."""
    output: Path = Path("bench/ablations")
    """Folder of the runs and their results."""


@dataclass(frozen=True)
class Job:
    """A run without one ingredient, or with all."""

    task: str
    ingredient: str
    seed: int
    output: Path

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.output / self.task / self.ingredient.replace(" ", "_") / f"seed-{self.seed}"

    def do(self) -> str:
        """Train and judge, if it is not done; return what to say about it."""
        started = time.monotonic()
        options = ABLATIONS[self.task].get(self.ingredient, "")
        train = f"train --agent ntm --task {self.task} --seed {self.seed} --output {self.folder} {options}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("ab") as log:
            for command in (train, f"evaluate {self.folder} --up-to {SIZES[self.task][-1]}"):
                if (self.folder / "result.json").exists():
                    break
                subprocess.run(
                    [sys.executable, "-m", "ntm_leaderboard", *shlex.split(command)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                    check=False,  # what fails is a line of the table
                )
        return f"{self.folder}: {time.monotonic() - started:.0f} s"

    def cells(self) -> list[str]:
        """Return what stands in the table for this seed, by size."""
        path = self.folder / "result.json"
        if not path.exists():  # the log says why
            return ["failed"] * len(SIZES[self.task])
        size = next(iter(tasks.spec(self.task).ladders))
        rungs = {rung.sizes[size]: rung for rung in reversed(Result.read(path).rungs)}
        return [self._cell(rungs[value]) for value in SIZES[self.task]]

    def _cell(self, rung: Rung) -> str:
        return above(rung) if self.task in BY_COST else str(rung.sequences - rung.score.all_right)


def main(options: Options) -> None:
    """Do what is left to do, and print the tables."""
    names = {task: [WHOLE, *ABLATIONS[task]] for task in options.tasks}
    jobs = [
        Job(task, name, seed, options.output)
        for task in options.tasks
        for name in names[task]
        for seed in range(options.seeds)
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        for done in as_completed([pool.submit(job.do) for job in jobs]):
            print(done.result(), file=sys.stderr, flush=True)
    for task in options.tasks:
        print(
            _table(
                task,
                [[job for job in jobs if (job.task, job.ingredient) == (task, name)] for name in names[task]],
            )
        )


def _table(task: str, rows: list[list[Job]]) -> str:
    """Return a table in Markdown, a line an ingredient."""
    by_cost = task in BY_COST
    what = "bits above the optimum" if by_cost else "wrong sequences"
    lines = [
        f"\n**{task}**, {what} by size, seeds 0 to {len(rows[0]) - 1}\n",
        "| without | " + " | ".join(f"{size:,}" for size in SIZES[task]) + " | options |",
        "| --- |" + " --- |" * len(SIZES[task]) + " --- |",
    ]
    for jobs in rows:
        found = [job.cells() for job in jobs]
        cells = [", ".join(of_seeds) for of_seeds in zip(*found, strict=True)]
        options = ABLATIONS[task].get(jobs[0].ingredient, "")
        lines.append(f"| {jobs[0].ingredient} | " + " | ".join(cells) + f" | `{options}` |".replace("``", ""))
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Options))
