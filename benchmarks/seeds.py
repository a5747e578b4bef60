"""Every recipe on ten seeds, none left out: what is learnt, how fast, and how far it carries.

    .venv/bin/python benchmarks/seeds.py
    .venv/bin/python benchmarks/seeds.py --tasks copy --beyond

Runs go two at a time, each on one thread; what is done already is not done again. For each size the table has
the number of sequences with a wrong bit, seed by seed, or the cost in bits above that of the oracle.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console

from ntm_agents.pretrained import HERE as PRETRAINED
from ntm_agents.training.run import read_summary
from ntm_envs import capacity, playing, tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.harness import bench
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.ladder import evaluation_keys
from ntm_leaderboard.results import NO_NONCE, Result, Rung

UP_TO = {"copy": 1000, "associative_recall": 60, "repeat_copy": 40, "ngrams": 2000, "priority_sort": 40}
"""The largest rung of a task's ladder that is played."""
BEYOND: dict[str, tuple[tuple[dict[str, int], int], ...]] = {
    "copy": (({"length": 10_000}, 16),),
    "repeat_copy": (({"length": 10, "repeats": 50}, 64), ({"length": 100, "repeats": 10}, 64)),
}
"""Sizes that are not on the ladder, or far up, and how many sequences of them."""
BY_COST = ("ngrams", "priority_sort")
"""Tasks where it is the cost in bits that counts."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train and judge recipes on several seeds, and print a table for each."""

    agents: tuple[str, ...] = ("ntm",)
    """Agents, by name."""
    tasks: tuple[str, ...] = ("copy", "associative_recall")
    """Tasks, by name."""
    publish: bool = False
    """Put the machines of seed 0 into the package, each with a model card."""
    beyond: bool = False
    """Go beyond the ladder as well, where there is something: ten minutes a seed for Copy at 10,000."""
    up_to: int = 2000
    """The largest rung that is played, where the table would go further."""
    seeds: int = 10
    """Number of seeds."""
    first_seed: int = 0
    """The first of them: of recipes that were found on some seeds, take others."""
    jobs: int = 2
    """Runs at a time, each on one thread."""
    output: Path = Path("bench/seeds")
    """Folder of the runs and their results."""


def main(options: Options) -> None:
    """Do what is left to do, and print the tables."""
    console = Console(width=160)
    plan = bench.Plan(
        agents=options.agents,
        tasks=options.tasks,
        seeds=options.seeds,
        first_seed=options.first_seed,
        output=options.output,
        up_to={task: min(rung, options.up_to) for task, rung in UP_TO.items()},
    )
    outcome = bench.run(plan, jobs=options.jobs, console=console)
    for job, reason in outcome.failures.items():
        console.print(f"{job} failed: {reason}", highlight=False)
    folders = [job.folder for job in bench.jobs_of(plan) if job not in outcome.failures]
    if options.beyond:
        with ProcessPoolExecutor(options.jobs) as pool:
            for folder in pool.map(_play_beyond, folders):
                console.print(f"{folder} is done")
    for agent in options.agents:
        for task in options.tasks:
            mine = [folder for folder in folders if folder.parent == options.output / task / agent]
            if mine:
                print(f"\n{agent} on {task}\n\n{_table(mine)}")
                if options.publish and mine[0].name == "seed-0":
                    _publish(mine[0])


def _play_beyond(folder: Path) -> Path:
    """Play what is beyond the ladder, on sequences drawn as those of the ladder are."""
    torch.set_num_threads(1)
    path, entrant = folder / "beyond.json", from_run(folder)
    found = json.loads(path.read_text()) if path.exists() else {}
    if found.get("commitment") != entrant.commitment:
        task, played = entrant.spec.make(), []
        for sizes, count in BEYOND.get(entrant.spec.name, ()):
            keys = evaluation_keys(entrant.commitment, NO_NONCE, entrant.spec.env_id, sizes, count)
            arguments = {"capacity": capacity(task.steps(**sizes)), "whole": True}
            wrong = [
                int(playing.play(entrant.agent, task, sizes, keys[i : i + 1], **arguments).wrong[0])
                for i in range(count)
            ]
            played.append({"sizes": sizes, "wrong_symbols": wrong})
        path.write_text(json.dumps({"commitment": entrant.commitment, "played": played}))
    return folder


def _table(folders: list[Path]) -> str:
    """Return a table in Markdown, a line a seed."""
    lines = []
    for folder in folders:
        result, summary = Result.read(folder / "result.json"), read_summary(folder)
        spec = tasks.spec(result.task)
        row = {
            "seed": str(result.seed),
            "seconds": f"{summary['seconds']:.0f}",
            "sequences": f"{summary['sequences']:,}",
            "restarts": str(summary["restarts"]),
            "dropped": str(summary["dropped_updates"]),
        }
        for rung in result.rungs:
            wrong = f"{rung.sequences - rung.score.all_right} of {rung.sequences}"
            row[_text(spec, rung.sizes)] = above(rung) if spec.name in BY_COST else wrong
        if (folder / "beyond.json").exists():
            for found in json.loads((folder / "beyond.json").read_text())["played"]:
                wrong = np.count_nonzero(found["wrong_symbols"])
                row[_text(spec, found["sizes"])] = f"{wrong} of {len(found['wrong_symbols'])}"
        lines.append(row)
    names = list(lines[0])
    rows = [names, ["---:"] * len(names), *([line.get(name, "") for name in names] for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def above(rung: Rung) -> str:
    """Return the cost in bits above that of the oracle, on the same sequences."""
    own, best = rung.score.cost_in_bits, rung.references["oracle"].cost_in_bits
    assert own is not None
    return f"{own - (best or 0):.2f}"


def _publish(folder: Path) -> None:
    """Copy what `load_run` needs, and write the card."""
    result = Result.read(folder / "result.json")
    assert result.training, f"{folder} was not trained"
    spec, target = tasks.spec(result.task), PRETRAINED / result.agent / tasks.spec(result.task).name
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "summary.json", "model.safetensors"):
        shutil.copy(folder / name, target)
    by_cost = spec.name in BY_COST
    rungs = [
        f"| {_text(spec, rung.sizes)} | {rung.sequences} | {rung.sequences - rung.score.all_right} | "
        f"{above(rung) if by_cost else f'{rung.score.wrong_symbols} of {rung.symbols:,}'} |"
        for rung in result.rungs
    ]
    largest, command = _text(spec, spec.largest), f"ntm-envs train --agent {result.agent} --task {spec.name}"
    card = CARD.format(
        agent=result.agent,
        task=spec.name,
        env_id=result.task,
        summary=spec.summary,
        seed=result.seed,
        largest=largest,
        command=f"{command} --seed {result.seed}",
        training=result.training,
        sizes=" x ".join(spec.largest),
        last="bits above the optimum" if by_cost else "wrong bits",
        rungs="\n".join(rungs),
        commitment=result.commitment,
    )
    (target / "README.md").write_text(card)


CARD = """# {agent} on {task}

The task: {summary}. The machine: that of seed {seed}, whatever came of it; the other
seeds are in [the table](../../../../../docs/results-by-seed.md). It was made by

    {command}

on {training.sequences:,} sequences, of sizes up to {largest}, in {training.seconds:.0f} seconds on one
core. It has {training.parameters:,} parameters, and `config.json` has every option. It was judged on
sequences that are drawn from the hash of its weights, `{commitment}`:

| {sizes} | sequences | of them wrong | {last} |
|---:|---:|---:|---:|
{rungs}

- Play them again: `ntm-envs evaluate --agent {agent} --task {task}`
- See it at work: `ntm-envs watch --agent {agent} --task {task}`
- Use it: `ntm_agents.NTM.from_pretrained("{task}", "{agent}")`

It knows the inputs of `{env_id}` and nothing else. MIT License.
"""


def _text(spec: TaskSpec, sizes: Mapping[str, int]) -> str:
    return " x ".join(f"{sizes[name]:,}" for name in spec.largest)


if __name__ == "__main__":
    main(tyro.cli(Options))
