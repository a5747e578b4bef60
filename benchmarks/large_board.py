"""Measures a board of thousands of results: reading, the file of the board, the tables and the page.

    .venv/bin/python benchmarks/large_board.py 20000 build/large

makes so many synthetic results, runs each command in a process of its own, and prints its wall time, its
processor time (user and system), its peak memory and the size of what it wrote. The results are deleted
afterwards, unless `--keep` is given.

A synthetic result has the form and the size of a committed one, whose entry, options, training, versions and
machine it has; its scores and its probe are drawn. Every agent has ten seeds on each task.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import groupby, islice, product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.results import SKETCH, Result

BOARDS = "ntm_leaderboard.board.boards"
SEEDS = 10
"""Seeds of an agent on a task."""
SEQUENCES = 512
"""Sequences of a rung."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure a board of synthetic results."""

    results: Annotated[int, tyro.conf.Positional]
    """Number of results."""
    output: Annotated[Path, tyro.conf.Positional]
    """A new folder to work in."""
    suites: tuple[str, ...] = tasks.suites()
    """Suites of the results."""
    seed: int = 0
    """Seed of the scores and probes."""
    keep: bool = False
    """Keep the folder."""


def main(options: Options) -> None:
    """Make the results, and print a line for each command."""
    options.output.mkdir(parents=True)  # a new one: what is deleted afterwards is nobody else's
    try:
        root = options.output / "leaderboard"
        size = make_results(root / "results", options)
        (root / "verified").mkdir()
        (root / "probes.json").write_text("{}", encoding="utf-8")
        print(f"{options.results:,} results of {size / options.results:,.0f} bytes", flush=True)
        print(f"{'':<30}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}{'written MiB':>13}")
        command, first = ["-m", "ntm_leaderboard", "leaderboard"], options.suites[0]
        own = ["--alone", "--results", "leaderboard/results"]
        for name, arguments, written in (
            ("the page of the package", [*command, "build", "--output", "package"], "package"),
            ("help", [*command, "--help"], None),
            ("read the results", ["-c", reading("results_in", "leaderboard/results")], None),
            ("write board.json", ["-m", BOARDS], "board.json"),
            ("read board.json", ["-c", reading("load", "board.json")], None),
            (f"show, suite {first}", [*command, "show", *own, "--suite", first], None),
            ("show, all suites", [*command, "show", *own], None),
            ("the page", [*command, "build", *own, "--output", "site"], "site"),
        ):
            print(f"{name:<30}{measure(arguments, options.output, written)}", flush=True)
        pages = (options.output / "site").glob("*.html")
        largest = max(pages, key=lambda page: page.stat().st_size)
        print(f"The largest page, {largest.name}, has {largest.stat().st_size / 2**20:.1f} MiB.")
    finally:
        if not options.keep:
            shutil.rmtree(options.output)


def make_results(folder: Path, options: Options) -> int:
    """Write synthetic results as `TASK/AGENT/seed-N/result.json`, and return their bytes."""
    rng, written = np.random.default_rng(options.seed), 0
    learnt = sorted((found for found in load(SHIPPED) if found.training), key=lambda found: found.agent)
    forms = [list(found) for _, found in groupby(learnt, lambda found: found.agent)]
    specs = [spec for suite in options.suites for spec in tasks.suite(suite)]
    runs = product(range(options.results), enumerate(specs), range(SEEDS))
    skills = rng.uniform(size=options.results)
    for agent, (number, spec), seed in islice(runs, options.results):
        form = forms[agent % len(forms)]
        made = form[number % len(form)].model_dump() | {
            "agent": f"agent-{agent:04}",
            "task": spec.env_id,
            "seed": seed,
            "held": None,
            "status": "self-reported",
            "nonce": "0" * 64,
            "commitment": rng.bytes(32).hex(),
            "rungs": rungs(spec, skills[agent], rng),
            "probe": {
                "untrained": 0.0,
                "outputs": rng.normal(size=SKETCH).tolist(),
                "weights": rng.normal(size=SKETCH).tolist(),
            },
        }
        path = folder / spec.name / made["agent"] / f"seed-{seed}" / "result.json"
        path.parent.mkdir(parents=True)
        written += path.write_text(Result.model_validate(made).model_dump_json(indent=2), encoding="utf-8")
    return written


def rungs(spec: TaskSpec, skill: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the rungs of a ladder, with scores that fall from one to the next, faster without skill."""
    task, made = spec.make(), []
    shares = skill ** np.cumsum(rng.exponential(size=len(spec.rungs)))
    for sizes, share in zip(spec.rungs, shares.tolist(), strict=True):
        low, high = task.return_bounds({name: np.array([size]) for name, size in sizes.items()})
        bounds, symbols = (float(low[0]), float(high[0])), SEQUENCES * 8 * max(sizes.values())
        known = {"oracle": 1.0, "constant": 0.0, "uniform": 0.0}
        made.append(
            {
                "sizes": dict(sizes),
                "sequences": SEQUENCES,
                "symbols": symbols,
                "score": score(share, symbols, bounds),
                "references": {name: score(best, symbols, bounds) for name, best in known.items()},
            }
        )
    return made


def score(share: float, symbols: int, bounds: tuple[float, float]) -> dict[str, Any]:
    """Return a score that is so far above a constant output, which is half way between the bounds."""
    wrong, middle = int((1 - share) * symbols / 2), sum(bounds) / 2
    return {
        "all_right": max(0, SEQUENCES - wrong),
        "wrong_symbols": wrong,
        "mean_return": middle + share * (bounds[1] - middle),
        "cost_in_bits": 2 * wrong / SEQUENCES,
    }


def reading(function: str, path: str) -> str:
    """Return a program that reads results with a function of the boards."""
    return f"import pathlib, {BOARDS} as boards; boards.{function}(pathlib.Path({path!r}))"


def measure(arguments: list[str], folder: Path, written: str | None) -> str:
    """Run Python in a folder; return wall and processor seconds, peak MiB, and MiB of what it has written.

    That is the file or folder of this name, or the output.
    """
    places = os.pathsep.join(str(Path(place).resolve()) for place in sys.path if place)
    output, started = folder / "output", time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, stdout=file, env={**os.environ, "PYTHONPATH": places}
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(arguments)} has failed")
    if written and not (folder / written).exists():
        output.rename(folder / written)
    line = f"{seconds:10.1f}{usage.ru_utime + usage.ru_stime:10.1f}{usage.ru_maxrss / 2**10:10,.0f}"
    if written:
        paths = [folder / written, *(folder / written).rglob("*")]
        line += f"{sum(path.stat().st_size for path in paths if path.is_file()) / 2**20:13.1f}"
    return line


if __name__ == "__main__":
    main(tyro.cli(Options))
