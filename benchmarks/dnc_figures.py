r"""Repeats figures of the DNC's paper that need no data: trains machines, prints numbers, and draws.

    .venv/bin/python benchmarks/dnc_figures.py reuse    # Extended Data Fig. 1: slots are used again and again
    .venv/bin/python benchmarks/dnc_figures.py enlarge  # Extended Data Fig. 2: memories of other sizes
    .venv/bin/python benchmarks/dnc_figures.py links    # Extended Data Fig. 4: full, sparse and no links

The same command resumes, and a complete run is not repeated. The differences from the paper are on the page
`docs/reproduction-dnc.md`.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from ntm_agents import DNC, Run, TrainConfig, Trainer, load_run
from ntm_envs import capacity
from ntm_envs.tasks import Batch
from ntm_leaderboard.harness.outputs import episodes
from ntm_leaderboard.page.figures import COLOURS, STYLE

SEQUENCES = 256
"""Sequences that a number is measured on."""
MODEL: dict[str, Any] = {
    "hidden_size": 64,
    "memory_width": 16,
    "read_heads": 1,
    # A machine begins by writing to free slots, reading on along the links, and releasing little.
    "free_gate_bias": -2.0,
    "allocation_gate_bias": 2.0,
    "write_gate_bias": 1.0,
    "mode_bias": (0.0, 0.0, 2.0),
}
TRAINING = TrainConfig(
    batch_size=16, bucket_size=16, mixed_sizes=True, beta2=0.99, max_grad_norm=0.2, curriculum_end=0.4
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where to, and how much."""

    seeds: int = 1
    """Number of seeds, from 0."""
    jobs: int = 2
    """Number of runs at a time, each on one thread."""
    runs: Path = Path("bench/dnc_figures")
    """Folder of the runs."""
    output: Path = Path("docs/reproduction")
    """Folder of the figures."""


@dataclass(frozen=True, kw_only=True)
class Reuse(Options):
    """Copy ten sequences of five vectors, one after the other, with ten slots (Extended Data Fig. 1)."""


@dataclass(frozen=True, kw_only=True)
class Enlarge(Options):
    """Copy with fewer and with more slots than in training (Extended Data Fig. 2)."""

    slots: int = 32
    """Number of slots in training."""


@dataclass(frozen=True, kw_only=True)
class Links(Options):
    """Copy with full links, five links a row, and no links (Extended Data Fig. 4)."""

    seeds: int = 10
    """Number of seeds, from 0."""


def reuse(options: Reuse) -> None:
    """Train with a feed-forward controller, and draw what the first seed's machine does with its slots."""
    model = MODEL | {"controller": "feedforward", "memory_slots": 10, "memory_width": 12}
    train = replace(TRAINING, sequences=128_000, curriculum={"sequences": 1})
    folders = trained(options, "reuse", "benchmarks/copy_series.py:ROW", {"10 slots": model}, train)[
        "10 slots"
    ]
    for folder in folders:
        machine, run = load(folder)
        for count in (10, 20):
            batch = episodes(run.task_spec().make(), {"length": 5, "sequences": count}, SEQUENCES)
            wrong = errors(machine, batch)
            print(
                f"{folder.name}: {count} sequences: episodes without an error {1 - wrong.any(0).mean():.3f}"
            )
            print("  episodes with an error, by place:", wrong.reshape(count, -1, SEQUENCES).any(1).sum(1))
    machine, run = load(folders[0])
    draw_slots(machine, episodes(run.task_spec().make(), {"length": 5, "sequences": 10}, 1), options.output)


def draw_slots(machine: DNC, batch: Batch, folder: Path) -> None:
    """Draw inputs, outputs, weightings, usage and gates of one episode over time."""
    state, inputs = machine.initial_state(1, capacity(len(batch.inputs))), torch.from_numpy(batch.inputs)
    panels: dict[str, list[NDArray[np.float32]]] = {}
    with torch.no_grad():
        for addends in zip(*machine.project(inputs), strict=True):
            state, (reads, output) = machine.step(state, *addends)
            p = machine.interface.parameters_of(output @ machine.interface.weight.t() + addends[1])
            logits = machine.read_out(torch.cat((reads, output), 1)[None])[0]
            shown = {
                "output": logits.sigmoid(),
                "write weighting": state.weightings[:, 0],
                "read weighting": state.weightings[:, 1],
                "usage": state.usage,
                "allocation, write and free gate": torch.cat(
                    (p.allocation_gate, p.write_gate, p.free_gates[:, :, 0]), 1
                ),
            }
            for name, values in shown.items():
                panels.setdefault(name, []).append(values[0].numpy())
    pictures = {"input": batch.inputs[:, 0], **{name: np.stack(rows) for name, rows in panels.items()}}
    pictures["output"] = np.where(batch.mask, pictures["output"], 0)
    heights = [picture.shape[1] for picture in pictures.values()]
    figure = matplotlib.figure.Figure(figsize=(13, 1.5 + 0.14 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(pictures), 1, sharex=True, height_ratios=heights)
    for axes, (name, picture) in zip(grid, pictures.items(), strict=True):
        axes.imshow(picture.T, cmap="gray_r", aspect="auto", interpolation="nearest", vmin=0, vmax=1)
        axes.set_title(name, fontsize=9, loc="left")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        for end in np.flatnonzero(np.diff(batch.mask[:, 0].astype(int)) < 0):
            axes.axvline(end + 0.5, color=COLOURS[1], linewidth=0.6)
    save(figure, folder / "dnc_slots.png")


def enlarge(options: Enlarge) -> None:
    """Train with one number of slots, and draw the share of copies without an error with others."""
    model = MODEL | {"memory_slots": options.slots}
    train = replace(TRAINING, sequences=64_000)
    folders = trained(options, "enlarge", "copy", {f"{options.slots} slots": model}, train)
    (mine,), lengths = folders.values(), (5, 10, 15, 20, 30, 40, 60, 80, 120)
    memories = [options.slots * 2**i // 4 for i in range(6)]
    shares = np.zeros((len(mine), len(memories), len(lengths)))
    for seed, folder in enumerate(mine):
        machine, run = load(folder)
        task = run.task_spec().make()
        for column, length in enumerate(lengths):
            batch = episodes(task, {"length": length}, SEQUENCES)
            for row, slots in enumerate(memories):
                shares[seed, row, column] = 1 - errors(machine, batch, slots).any(0).mean()
        print(f"{folder.name}: rows are {memories} slots, columns {lengths} vectors\n{shares[seed].round(2)}")
    figure = matplotlib.figure.Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares.mean(0), cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="auto")
    axes.set_xticks(range(len(lengths)), [str(length) for length in lengths])
    axes.set_yticks(
        range(len(memories)), [f"{n}, as trained" if n == options.slots else str(n) for n in memories]
    )
    axes.set(xlabel="vectors to copy (trained on 1 to 20)", ylabel="slots")
    axes.grid(visible=False)
    figure.colorbar(image, label="share of sequences without an error")
    save(figure, options.output / "dnc_memory_sizes.png")


def links(options: Links) -> None:
    """Train with three kinds of links, and draw the share of sequences with an error against training."""
    full = MODEL | {"memory_slots": 128}
    kinds = {
        "full links": full,
        "K = 5": full | {"links": 5},
        "no links": full | {"links": 0, "mode_bias": ()},
    }
    train = replace(TRAINING, sequences=32_000, curriculum={"length": 10}, curriculum_end=0.6)
    folders = trained(options, "links", "benchmarks/copy_of_six_bits.py:ROW", kinds, train)
    figure = matplotlib.figure.Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    print("| links | share of sequences of length 100 with an error, seed by seed |\n| --- | --- |")
    for (kind, mine), colour in zip(folders.items(), COLOURS, strict=False):
        found, curves = [], []
        for folder in mine:
            machine, run = load(folder)
            batch = episodes(run.task_spec().make(), {"length": 100}, SEQUENCES)
            found.append(errors(machine, batch).any(0).mean())
            lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
            points = [line for line in lines if "validation_accuracy" in line]
            curves.append([1 - line["validation_accuracy"] for line in points])
            seen = [line["sequences"] / 1000 for line in points]
        print(f"| {kind} | {', '.join(f'{share:.3f}' for share in found)} |")
        axes.plot(seen, np.transpose(curves), color=colour, linewidth=0.5, alpha=0.4)
        axes.plot(seen, np.median(curves, 0), color=colour, label=kind)
    axes.set(
        xlabel="training sequences (thousands)", ylabel="share of sequences with an error", ylim=(-0.02, 1.02)
    )
    axes.legend(frameon=False)
    save(figure, options.output / "dnc_links.png")


def trained(
    options: Options, figure: str, task: str, models: Mapping[str, dict[str, Any]], train: TrainConfig
) -> dict[str, list[Path]]:
    """Train what is left of all models and seeds, and return the folders of the runs by model."""
    folders: dict[str, list[Path]] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = []
        for name, model in models.items():
            for seed in range(options.seeds):
                folder = options.runs / figure / name.replace(" ", "_") / f"seed-{seed}"
                run = Run(agent="dnc", entry="ntm_agents:DNC", task=task, model=model, train=train, seed=seed)
                waiting.append(pool.submit(fit, run, folder))
                folders.setdefault(name, []).append(folder)
        for job in waiting:
            print(job.result(), flush=True)
    return folders


def fit(run: Run, folder: Path) -> str:
    """Train a run, unless it is complete, and describe it."""
    torch.set_num_threads(1)
    trainer = Trainer(run, folder)
    if not trainer.complete:
        trainer.train()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return f"{folder}: {summary['seconds']:.0f} seconds, {summary['parameters']:,} parameters"


def load(folder: Path) -> tuple[DNC, Run]:
    """Return the machine of a run, and the run."""
    machine, run = load_run(folder)
    return cast("DNC", machine), run


def errors(machine: DNC, batch: Batch, slots: int | None = None) -> NDArray[np.bool_]:
    """Return the steps with a wrong bit ``[T, B]``, with another number of slots if one is given."""
    config = {**vars(machine.config), "memory_slots": slots or machine.config.memory_slots}
    resized = DNC(machine.controller.inputs.in_features, machine.output.out_features, **config).eval()
    resized.load_state_dict(machine.state_dict())
    wrong = []
    with torch.inference_mode():
        for first in range(0, len(batch.keys), 64):
            part = batch.rows(slice(first, first + 64))
            inputs = torch.from_numpy(part.inputs)
            logits, _ = resized(inputs, resized.initial_state(len(part.keys), capacity(len(inputs))))
            wrong.append(((logits > 0).numpy() != part.targets).any(2) & part.mask)
    return np.concatenate(wrong, 1)


def save(figure: Any, path: Path) -> None:
    """Write a figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"The picture is {path}")


def main(options: Reuse | Enlarge | Links) -> None:
    """Train what is left, and draw."""
    torch.set_num_threads(1)
    with mpl.rc_context(STYLE):
        figures: dict[type[Options], Callable[[Any], None]] = {Reuse: reuse, Enlarge: enlarge, Links: links}
        figures[type(options)](options)


if __name__ == "__main__":
    main(tyro.cli(Reuse | Enlarge | Links))
