r"""Repeats the paper's experiments: costs beside the paper's, and its figures drawn from our models.

    .venv/bin/ntm-envs bench --suite classic
    .venv/bin/ntm-envs bench --suite classic --agents ntm-lstm --tasks copy repeat_copy
    .venv/bin/ntm-envs bench --suite classic --agents ntm-jump --tasks repeat_copy
    .venv/bin/ntm-envs bench --suite classic --agents lstm-paper --seeds 1
    for run in {associative_recall,priority_sort}/seed-{0..4}; do
        .venv/bin/ntm-envs train --task ${run%/*} --seed ${run#*-} --model.controller feedforward \
            --output bench/feedforward/$run
    done
    for seed in {0..4}; do
        .venv/bin/ntm-envs train --task ngrams --seed $seed --model.controller feedforward \
            --model.read-feedback --model.read-heads 2 --model.write-heads 2 --model.gate-bias -4 4 4 -4 \
            --model.shift-bias 0 4 0 0 4 0 0 4 0 0 4 0 --model.erase-bias 0 \
            --output bench/feedforward/ngrams/seed-$seed
    done
    .venv/bin/python benchmarks/reproduction.py

All commands but the last train models. (A controller without a memory of its own has to keep the last bits
of an N-gram in a slot, where a second pair of heads starts.) The last evaluates them at the paper's sizes,
prints tables and draws figures. It leaves out missing runs, and names them.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.figure
import matplotlib.ticker
import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from ntm_agents import load_run
from ntm_envs import capacity, tasks
from ntm_envs.tasks import Batch, Task
from ntm_leaderboard.harness.outputs import episodes, probabilities
from ntm_leaderboard.page.figures import COLOURS, STYLE
from ntm_leaderboard.wording import sizes_text, task_name

FEEDFORWARD, LSTM_CONTROLLER, JUMPS, LSTM, LSTM_PAPER = (
    "NTM, feed-forward controller",
    "NTM, LSTM controller",
    "NTM with jumps",
    "LSTM",
    "LSTM, as in the paper",
)
MODELS: dict[str, dict[str, str]] = {
    FEEDFORWARD: {
        "copy": "classic/copy/ntm",
        "repeat_copy": "classic/repeat_copy/ntm",
        "associative_recall": "feedforward/associative_recall",
        "ngrams": "feedforward/ngrams",
        "priority_sort": "feedforward/priority_sort",
    },
    LSTM_CONTROLLER: {
        "copy": "classic/copy/ntm-lstm",
        "repeat_copy": "classic/repeat_copy/ntm-lstm",
        "associative_recall": "classic/associative_recall/ntm",
        "ngrams": "classic/ngrams/ntm",
        "priority_sort": "classic/priority_sort/ntm",
    },
    JUMPS: {"repeat_copy": "classic/repeat_copy/ntm-jump"},  # not in the paper
    LSTM: {row.name: f"classic/{row.name}/lstm" for row in tasks.suite("classic")},
    LSTM_PAPER: {row.name: f"classic/{row.name}/lstm-paper" for row in tasks.suite("classic")},
}
"""Folders of the runs of each model."""

COSTS: dict[str, tuple[tuple[dict[str, int], dict[str, str]], ...]] = {
    "copy": tuple(({"length": length}, {}) for length in (10, 20, 30, 50, 120)),
    "repeat_copy": tuple(
        ({"length": length, "repeats": repeats}, {}) for length, repeats in ((10, 10), (20, 10), (10, 20))
    ),
    "associative_recall": (
        ({"items": 6}, {FEEDFORWARD: "about 0", LSTM_CONTROLLER: "about 0"}),
        ({"items": 10}, {FEEDFORWARD: "0.1", LSTM_CONTROLLER: "1.8", LSTM_PAPER: "36 to 40"}),
        ({"items": 15}, {FEEDFORWARD: "1.4", LSTM_CONTROLLER: "4.8", LSTM_PAPER: "36 to 40"}),
        ({"items": 20}, {FEEDFORWARD: "7.9", LSTM_CONTROLLER: "7.0", LSTM_PAPER: "36 to 40"}),
    ),
    "ngrams": (({"length": 200}, {FEEDFORWARD: "0.5 to 1", LSTM_CONTROLLER: "0.5 to 1", LSTM_PAPER: "3"}),),
    "priority_sort": (
        ({"length": 20}, {FEEDFORWARD: "18 to 20", LSTM_CONTROLLER: "18 to 20", LSTM_PAPER: "58"}),
    ),
}
"""Sizes and costs in bits in the paper's figures; those of NGrams are above the optimum."""

PARAMETERS: dict[str, dict[str, int]] = {
    FEEDFORWARD: {
        "copy": 17_162,
        "repeat_copy": 16_712,
        "associative_recall": 146_845,
        "ngrams": 14_656,
        "priority_sort": 508_305,
    },
    LSTM_CONTROLLER: {
        "copy": 67_561,
        "repeat_copy": 66_111,
        "associative_recall": 70_330,
        "ngrams": 61_749,
        "priority_sort": 269_038,
    },
    LSTM_PAPER: {
        "copy": 1_352_969,
        "repeat_copy": 5_312_007,
        "associative_recall": 1_344_518,
        "ngrams": 331_905,
        "priority_sort": 384_424,
    },
}
"""Numbers of parameters of the paper's models (its tables 1 to 3)."""

SEQUENCES = 256
"""Sequences of each size, the same for all models."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compare our models with the paper's, in a table and in its figures."""

    runs: Path = Path("bench")
    """Folder of the runs."""
    output: Path = Path("docs/reproduction")
    """Folder of the figures."""
    only: tuple[Literal["models", "costs", "learning", "copy", "repeat_copy", "recall", "ngrams"], ...] = ()
    """Parts to make. Without it: all."""


def main(options: Options) -> None:
    """Print the tables and draw the figures."""
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[Options], None]] = {
        "models": parameters,
        "costs": costs,
        "learning": learning_curves,
        "copy": copy_generalisation,
        "repeat_copy": repeat_copy_generalisation,
        "recall": recall_generalisation,
        "ngrams": ngrams_inference,
    }
    with mpl.rc_context(STYLE):
        for name in options.only or makers:
            makers[name](options)


def parameters(options: Options) -> None:
    """Print numbers of parameters, here and in the paper, and the cost of training here.

    Sequences and seconds are the median of the seeds.
    """
    print("| task | model | parameters | the paper's | training sequences | seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for row in tasks.suite("classic"):
        for model in MODELS:
            runs = runs_of(options, model, row.name)
            if not runs:
                continue
            found = [json.loads((run / "summary.json").read_text(encoding="utf-8")) for run in runs]
            names = ("parameters", "sequences", "seconds")
            own, seen, seconds = (f"{np.median([each[name] for each in found]):,.0f}" for name in names)
            theirs = PARAMETERS.get(model, {}).get(row.name)
            paper = f"{theirs:,}" if theirs else ""
            print(f"| {task_name(row)} | {model} | {own} | {paper} | {seen} | {seconds} |")


def costs(options: Options) -> None:
    """Print the cost in bits at the paper's sizes: median and range of our seeds, and the paper's.

    Those of NGrams are above the best predictor's.
    """
    for task, sizes in COSTS.items():
        models = [model for model, where in MODELS.items() if task in where]
        print(f"\n**{task}**\n\n| " + " | ".join([", ".join(tasks.spec(task).largest), *models]) + " |")
        print("| ---: |" + " --- |" * len(models))
        for size, paper in sizes:
            cells = [" x ".join(map(str, size.values()))]
            for model in models:
                found = [cost_of(run, size) for run in runs_of(options, model, task)]
                own = f"{np.median(found):.2f}" if found else "not run"
                if len(found) > 1:
                    own += f" ({min(found):.2f} to {max(found):.2f})"
                cells.append(own + (f"; paper {paper[model]}" if model in paper else ""))
            print("| " + " | ".join(cells) + " |")


def learning_curves(options: Options) -> None:
    """Draw cost against training sequences: figures 3, 7, 10, 13 and 18."""
    figure = matplotlib.figure.Figure(figsize=(13, 7), layout="constrained")
    grid = figure.subplots(2, 3).flat
    for axes, row in zip(grid, tasks.suite("classic"), strict=False):
        task = row.make()
        batch = episodes(task, row.largest, 4)
        bits = float(batch.mask.sum(0).mean()) * task.output_size
        for colour, model in zip(COLOURS, MODELS, strict=False):
            for i, run in enumerate(runs_of(options, model, row.name)):
                written = (run / "metrics.jsonl").read_text(encoding="utf-8")
                lines = [json.loads(line) for line in written.splitlines()]
                points = [line for line in lines if "validation_loss" in line]
                seen = [line["sequences"] / 1000 for line in points]
                cost = [line["validation_loss"] * bits / math.log(2) for line in points]
                label = model if i == 0 else None
                axes.plot(seen, cost, color=colour, linewidth=0.8, alpha=0.7, label=label)
        axes.set_title(f"{row.env_id}, {sizes_text(row.largest)}", fontsize=11, loc="left")
        axes.set(xlabel="training sequences (thousands)", ylabel="cost of a sequence (bits)", xscale="log")
        axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        if row.name == "ngrams":  # whose cost is never small; a guess at every bit costs 195
            axes.set_ylim(top=205)
        else:
            axes.set_yscale("symlog", linthresh=1)
            axes.set_ylim(bottom=0)
    named = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles = {label: handle for pair in named for handle, label in zip(*pair, strict=True)}
    figure.axes[-1].axis("off")
    figure.axes[-1].legend(handles.values(), handles.keys(), loc="center", frameon=False)
    save(figure, options.output / "learning_curves.png")


def copy_generalisation(options: Options) -> None:
    """Draw the outputs of NTM and LSTM for longer sequences: figures 4 and 5."""
    draw_outputs(options, "copy", [{"length": length} for length in (10, 20, 30, 50, 120)])


def repeat_copy_generalisation(options: Options) -> None:
    """Draw the outputs of NTM and LSTM for longer sequences and more repeats: figure 8."""
    draw_outputs(options, "repeat_copy", [{"length": 10, "repeats": 20}, {"length": 20, "repeats": 10}])


def draw_outputs(options: Options, name: str, sizes: Sequence[dict[str, int]]) -> None:
    """Draw targets and the outputs of the first seed of each model, a row each, with wrong bits in red."""
    models = [model for model in MODELS if runs_of(options, model, name)]
    task = tasks.spec(name).make()
    batches = [episodes(task, size, 1) for size in sizes]
    widths = [max(12.0, float(batch.mask.sum())) for batch in batches]
    figure = matplotlib.figure.Figure(figsize=(13, 1.1 + 0.8 * len(models)), layout="constrained")
    grid = figure.subplots(1 + len(models), len(sizes), squeeze=False, width_ratios=widths)
    for column, (size, batch) in enumerate(zip(sizes, batches, strict=True)):
        answer = batch.mask[:, 0]
        wanted = batch.targets[answer, 0].T.astype(float)
        grid[0, column].set_title(sizes_text(size), fontsize=9)
        images = [("targets", wanted)]
        for model in models:
            given = probabilities(runs_of(options, model, name)[0], batch)[answer, 0].T
            images.append((model, given))
        for row, (label, image) in enumerate(images):
            axes = grid[row, column]
            colours = np.repeat(1 - image[..., None], 3, axis=2)
            wrong = (image > 0.5) != (wanted > 0.5)
            colours[wrong] = (0.85, 0.2, 0.1)
            axes.imshow(colours, aspect="auto", interpolation="nearest", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            if column == 0:
                axes.set_ylabel(label.replace(", ", "\n"), rotation=0, ha="right", va="center", fontsize=9)
    save(figure, options.output / f"{name}.png")


def recall_generalisation(options: Options) -> None:
    """Draw cost against the number of items: figure 11."""
    items = np.array([6, 8, 10, 12, 15, 20])
    figure = matplotlib.figure.Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for colour, model in zip(COLOURS, MODELS, strict=False):
        found = [
            [cost_of(run, {"items": int(count)}) for count in items]
            for run in runs_of(options, model, "associative_recall")
        ]
        for i, line in enumerate(found):
            axes.plot(items, line, color=colour, linewidth=0.8, marker=".", label=model if i == 0 else None)
    axes.set(xlabel="items", ylabel="cost of a sequence (bits)", xticks=items)
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    save(figure, options.output / "associative_recall.png")


def ngrams_inference(options: Options) -> None:
    """Draw predictions beside those of the best predictor, bit by bit: figure 14.

    The sequence is the one of a few whose bits change most, as it has most to predict.
    """
    task = tasks.spec("ngrams").make()
    batch = episodes(task, {"length": 200}, 8)
    shown = int(np.abs(np.diff(batch.targets[..., 0], axis=0)).sum(0).argmax())
    rows = [("best predictor", best_predictions(task, batch)[:, shown, 0])]
    for model in MODELS:
        for run in runs_of(options, model, "ngrams")[:1]:
            rows.append((model, probabilities(run, batch)[:, shown, 0]))
    answer = batch.mask[:, shown]
    figure = matplotlib.figure.Figure(figsize=(13, 0.8 + 0.45 * len(rows)), layout="constrained")
    grid = figure.subplots(1 + len(rows), 1)
    for axes, (label, row) in zip(grid, [("bits", batch.targets[:, shown, 0]), *rows], strict=True):
        axes.imshow(row[answer][None], cmap="gray_r", aspect="auto", interpolation="nearest", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    save(figure, options.output / "ngrams.png")


def runs_of(options: Options, model: str, task: str) -> list[Path]:
    """Return the complete runs of a model on a task, by seed."""
    if task not in MODELS[model]:
        return []
    folder = options.runs / MODELS[model][task]
    found = sorted(path.parent for path in folder.glob("*/summary.json"))
    if not found:
        print(f"there are no runs of {model} on {task} in {folder}", file=sys.stderr)
    return found


def cost_of(run: Path, sizes: dict[str, int]) -> float:
    """Return the mean cost of a sequence in bits; of NGrams above the best predictor's, on the same ones."""
    settings = load_run(run)[1]
    task = settings.task_spec().make()
    batch = episodes(task, sizes, SEQUENCES)
    answers = np.where(batch.mask, task.answers.cost_in_bits(probabilities(run, batch), batch.targets), 0)
    if settings.task == "ngrams":
        best = best_predictions(task, batch)
        answers = answers - np.where(batch.mask, task.answers.cost_in_bits(best, batch.targets), 0)
    return float(answers.sum(0).mean())


def best_predictions(task: Task, batch: Batch) -> NDArray[np.float64]:
    """Return the predictions of the oracle for sequences, ``[T, B, O]``."""
    oracle = task.oracle()
    assert oracle, "every task of the paper has an oracle"
    oracle.begin(len(batch.keys), capacity(len(batch.inputs)), 0)
    return np.stack([oracle.act(step) for step in batch.inputs])


def save(figure: Any, path: Path) -> None:
    """Write a figure."""
    figure.savefig(path, dpi=110)
    print(f"The figure is {path}")


if __name__ == "__main__":
    main(tyro.cli(Options))
