"""Trains every recipe on ten seeds, and prints the results, speed and generalisation of each seed.

    .venv/bin/python benchmarks/seeds.py
    .venv/bin/python benchmarks/seeds.py --tasks copy --beyond

As many runs go at a time as there are cores; the same command resumes. For each size the table has the
number of sequences with a wrong bit, seed by seed, or the cost in bits above that of the oracle.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console

from ntm_agents.training.run import read_summary
from ntm_envs import capacity, playing
from ntm_leaderboard.documents.markdown import by_cost, cost_above_oracle, table
from ntm_leaderboard.documents.model_card import publish
from ntm_leaderboard.harness import bench
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.ladder import evaluation_keys
from ntm_leaderboard.harness.launching import LaunchOptions
from ntm_leaderboard.results import NO_NONCE, Result
from ntm_leaderboard.wording import sizes_product

UP_TO = {"copy": 1000, "associative_recall": 60, "repeat_copy": 40, "ngrams": 2000, "priority_sort": 40}
"""Largest size of each ladder to evaluate at."""
BEYOND: dict[str, tuple[tuple[dict[str, int], int], ...]] = {
    "copy": (({"length": 10_000}, 16),),
    "repeat_copy": (({"length": 10, "repeats": 50}, 64), ({"length": 100, "repeats": 10}, 64)),
}
"""Sizes that are not on the ladder, or far up, and the number of sequences of each."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train and evaluate recipes on several seeds, and print a table for each."""

    agents: tuple[str, ...] = ("ntm",)
    """Names of agents."""
    tasks: tuple[str, ...] = ("copy", "associative_recall")
    """Names of tasks."""
    publish: bool = False
    """Put the machines of seed 0 into the package, each with a model card."""
    beyond: bool = False
    """Also evaluate beyond the ladder, where there is something: ten minutes a seed for Copy at 10,000."""
    beyond_sequences: int = 64
    """Sequences of each size beyond the ladder, if fewer than usual."""
    up_to: int = 2000
    """Largest size to evaluate at, if the table would go further."""
    seeds: int = 10
    """Number of seeds."""
    first_seed: int = 0
    """First seed; the others follow it. A recipe is measured on other seeds than it was found on."""
    launch: tyro.conf.OmitArgPrefixes[LaunchOptions] = field(default_factory=LaunchOptions)
    output: Path = Path("bench/seeds")
    """Folder of the runs and their results."""


def main(options: Options) -> None:
    """Run what is left, and print the tables."""
    console = Console(width=160)
    plan = bench.Plan(
        agents=options.agents,
        tasks=options.tasks,
        seeds=options.seeds,
        first_seed=options.first_seed,
        output=options.output,
        up_to={task: min(rung, options.up_to) for task, rung in UP_TO.items()},
    )
    jobs = bench.jobs_of(plan)
    outcome = bench.run(jobs, options.launch.make(console))
    for job, failure in outcome.failures.items():
        console.print(f"{job} failed: {failure}", highlight=False)
    done = [job for job in jobs if job not in outcome.failures]
    if options.beyond:
        with ProcessPoolExecutor(options.launch.jobs) as pool:
            play = partial(_play_beyond, most=options.beyond_sequences)
            for folder in pool.map(play, [job.folder for job in done]):
                console.print(f"{folder} is done")
    for agent in options.agents:
        for task in options.tasks:
            mine = [job.folder for job in done if (job.agent, job.task) == (agent, task)]
            if mine:
                print(f"\n{agent} on {task}\n\n{_table(mine)}")
                if options.publish and mine[0].name == "seed-0":
                    publish(mine[0])


def _play_beyond(folder: Path, most: int) -> Path:
    """Play sizes beyond the ladder, on sequences that are drawn as those of the ladder are."""
    torch.set_num_threads(1)
    path, entrant = folder / "beyond.json", from_run(folder)
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if (found.get("commitment"), found.get("most")) != (entrant.commitment, most):
        task, played = entrant.spec.make(), []
        for sizes, count in BEYOND.get(entrant.spec.name, ()):
            count = min(count, most)
            keys = evaluation_keys(entrant.commitment, NO_NONCE, entrant.spec.env_id, sizes, count)
            bound, wrong = capacity(task.steps(**sizes)), []
            for i in range(count):  # one at a time: they are long
                part = playing.play(entrant.agent, task, sizes, keys[i : i + 1], capacity=bound, whole=True)
                wrong.append(int(part.wrong[0]))
            played.append({"sizes": sizes, "wrong_symbols": wrong})
        found = {"commitment": entrant.commitment, "most": most, "played": played}
        path.write_text(json.dumps(found), encoding="utf-8")
    return folder


def _table(folders: list[Path]) -> str:
    """Return a table in Markdown, a line a seed."""
    lines = []
    for folder in folders:
        result, summary = Result.read(folder / "result.json"), read_summary(folder)
        spec = from_run(folder).spec
        row = {
            "seed": str(result.seed),
            "seconds": f"{summary['seconds']:.0f}",
            "sequences": f"{summary['sequences']:,}",
            "restarts": str(summary["restarts"]),
            "dropped": str(summary["dropped_updates"]),
        }
        for rung in result.rungs:
            wrong = f"{rung.sequences - rung.score.all_right} of {rung.sequences}"
            measured = f"{cost_above_oracle(rung):.2f}" if by_cost(spec) else wrong
            row[sizes_product(spec, rung.sizes)] = measured
        if (folder / "beyond.json").exists():
            for found in json.loads((folder / "beyond.json").read_text(encoding="utf-8"))["played"]:
                wrong = f"{np.count_nonzero(found['wrong_symbols'])} of {len(found['wrong_symbols'])}"
                row[sizes_product(spec, found["sizes"])] = wrong
        lines.append(row)
    names = list(lines[0])
    return table(names, [[line.get(name, "") for name in names] for line in lines], ["---:"] * len(names))


if __name__ == "__main__":
    main(tyro.cli(Options))
