"""How fast an NTM trains: the fused kernel beside plain PyTorch and a naive loop, on one core.

    taskset --cpu-list 0 .venv/bin/python benchmarks/train_throughput.py

A time is that of forward and backward of one batch. All variants of a line are measured in turn, in one
process, so that a busy machine slows all of them. It takes about four minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from naive_ntm import NaiveNTM
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ntm_agents import NTM, Run, TrainConfig, Trainer, load_run
from ntm_agents.pretrained import pretrained, pretrained_tasks
from ntm_agents.readout import Readout, readout
from ntm_envs import capacity, keyed, tasks
from ntm_envs.answers import Bits

INPUTS, OUTPUTS, UNITS, WIDTH = 9, 8, 100, 20
SLOTS_AT_A_TIME = 2**17  # of all sequences that are evaluated side by side
LONG = {"T": 2000, "N": 2048, "B": 16}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure how fast an NTM trains."""

    rounds: int = 7
    """How often each variant is measured, at least."""
    figure: Path = Path("docs/train_throughput.png")
    """Where the picture of times by T and N goes."""
    part: str = ""
    """One part alone: `memory` and `cold`, which need a process of their own, `compile`, `trained`, or
    `evaluation`, of the machines that come with the package, on their ladders."""


@dataclass(frozen=True)
class Work:
    """One line of the table."""

    B: int
    T: int
    N: int
    controller: str = "lstm"
    heads: int = 1

    def variants(self) -> dict[str, Callable[[], None]]:
        """Return what makes one batch go forward and backward, by variant."""
        x, y = torch.randn(self.T, self.B, INPUTS), torch.rand(self.T, self.B, OUTPUTS).round()
        naive = NaiveNTM(INPUTS, OUTPUTS, controller=self.controller, heads=self.heads, slots=self.N)

        def whole(forward: Callable[[], torch.Tensor]) -> Callable[[], None]:
            return lambda: readout(Bits(OUTPUTS)).loss(forward(), y).backward()

        made = {"naive": whole(lambda: naive(x))}
        for kernel in ("reference", "fused"):
            model = NTM(
                INPUTS,
                OUTPUTS,
                controller=self.controller,
                read_heads=self.heads,
                write_heads=self.heads,
                memory_slots=self.N,
                kernel=kernel,
            )
            made[kernel] = whole(lambda model=model: model(x, model.initial_state(self.B, self.N))[0])
        return made

    @property
    def products(self) -> float:
        """Floating-point operations of the matrix products, forward and backward."""
        gates = (4 if self.controller == "lstm" else 1) * UNITS
        seen = INPUTS + self.heads * WIDTH + (UNITS if self.controller == "lstm" else 0)
        parameters = self.heads * (2 * (WIDTH + 6) + 2 * WIDTH)
        output = OUTPUTS * (UNITS + self.heads * WIDTH)
        return 6.0 * self.T * self.B * (gates * seen + UNITS * parameters + output)


WORKS = (
    Work(1, 41, 128),
    Work(8, 41, 128),
    Work(16, 41, 128),
    Work(32, 41, 128),
    Work(64, 41, 128),
    Work(32, 41, 128, "feedforward", 1),
    Work(32, 41, 128, "feedforward", 4),
    Work(16, 201, 1024),
)


def measure(variants: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each variant, measured in turn; short ones several times a round."""
    for run in variants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            began = time.perf_counter()
            while not times[name] or time.perf_counter() - began < 0.15:
                start = time.perf_counter()
                run()
                times[name].append(1000 * (time.perf_counter() - start))
                if times[name][-1] > 150:
                    break
    return times


def main(options: Options) -> None:
    """Measure and print; or one part of it, in a process of its own."""
    torch.set_num_threads(1)
    if options.part == "memory":
        print(f"{_peak_memory():.2f}")
        return
    if options.part == "cold":
        print("{:.1f} {:.2f}".format(*_first_batch()))
        return
    if options.part == "compile":
        _compiled(options.rounds)
        return
    if options.part == "trained":
        _trained(options.rounds)
        return
    if options.part == "evaluation":
        _evaluation()
        return
    console = Console(width=124)
    console.print(f"torch.mm, 512 x 512: {_product_rate():.0f} GFLOP/s", highlight=False)
    _table(console, options.rounds)
    _updates(console, options.rounds)
    _padding(console)
    console.print(f"Peak memory of the process at {LONG}: {_part('memory')} GB", highlight=False)
    with tempfile.TemporaryDirectory() as cache:
        for name in ("first", "second"):
            forward, backward = _part("cold", NUMBA_CACHE_DIR=cache).split()
            text = f"{name} batch ever: forward {forward} s, backward {backward} s"
            console.print(
                text.replace("second batch ever", "first batch of a later process"), highlight=False
            )
    _figure(options.figure)
    console.print(f"Times by T and by N are in {options.figure}", highlight=False)


def _table(console: Console, rounds: int) -> None:
    table = Table(title="Milliseconds a batch: median (least)", box=None)
    for name in ("B", "T", "N", "controller", "heads", "naive", "reference", "fused"):
        table.add_column(name, justify="right")
    table.add_column("naive / fused", justify="right")
    table.add_column("reference / fused", justify="right")
    table.add_column("of torch.mm", justify="right")
    for work in WORKS:
        times = measure(work.variants(), rounds)
        rate = _product_rate()
        cells = [f"{np.median(t):.1f} ({min(t):.1f})" for t in times.values()]
        slower = {name: (np.median(t), min(t)) for name, t in times.items() if name != "fused"}
        median, least = np.median(times["fused"]), min(times["fused"])
        ratios = [f"{m / median:.1f} ({n / least:.1f})" for m, n in slower.values()]
        share = work.products / 1e6 / least / rate
        heads = f"{work.heads} + {work.heads}"
        table.add_row(
            str(work.B), str(work.T), str(work.N), work.controller, heads, *cells, *ratios, f"{share:.0%}"
        )
    console.print(table)


def _updates(console: Console, rounds: int) -> None:
    """Print what share of an update is not the model's."""
    for B in (1, 32):
        run = Run(
            agent="ntm",
            entry="ntm_agents:NTM",
            task="copy",
            model={"memory_slots": 128},
            train=TrainConfig(sequences=10**9, batch_size=B, validate_every=10**9),
        )
        trainer = Trainer(run)
        trainer._spec = replace(trainer._spec, training={"length": (20, 20)})
        times = _phases(trainer, rounds)
        rest = 1 - (times["forward"] + times["backward"]) / times["update"]
        listed = ", ".join(f"{name} {ms:.2f} ms" for name, ms in times.items())
        console.print(f"An update at B = {B}: {listed}; not the model's: {rest:.0%}", highlight=False)


def _phases(trainer: Trainer, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of an update, and of what it calls."""
    times: dict[str, list[float]] = {}

    def timed(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **named: object) -> object:
            start = time.perf_counter()
            result = function(*arguments, **named)
            times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
            return result

        return run

    places = (
        (trainer, "_batch"),
        (trainer, "_forward"),
        (torch.autograd, "backward"),
        (trainer._optimizer, "step"),
    )
    with ExitStack() as stack:
        for owner, name in places:
            function = timed(name.strip("_"), getattr(owner, name))
            stack.enter_context(patch.object(owner, name, function))
        update = timed("update", trainer._update)
        for _ in range(40 * rounds):
            update()
    return {name: float(np.median(values)) for name, values in times.items()}


def _padding(console: Console) -> None:
    """Print how many steps a batch of mixed sizes takes in buckets, as a share of those when padded whole."""
    for row in tasks.suite("classic"):
        batch = row.make().episodes(np.arange(3200), **row.training)
        steps = np.sort(batch.steps.reshape(-1, 32), axis=1)
        padded, bucketed = 32 * steps.max(1).sum(), 8 * steps[:, 7::8].sum()
        console.print(
            f"Steps of a mixed batch of 32, {row.name}: {bucketed / padded:.0%} in buckets of 8, "
            f"{steps.sum() / padded:.0%} without any padding",
            highlight=False,
        )


def _compiled(rounds: int) -> None:
    """Print what `torch.compile` of single steps makes of an update."""
    updates = {}
    for name, kernel in (("reference", "reference"), ("compiled", "reference"), ("fused", "fused")):
        run = Run(
            agent="ntm",
            entry="ntm_agents:NTM",
            task="copy",
            model={"memory_slots": 128, "kernel": kernel},
            train=TrainConfig(sequences=10**9, validate_every=10**9, compile=name == "compiled"),
        )
        trainer = Trainer(run)
        trainer._spec = replace(trainer._spec, training={"length": (20, 20)})
        updates[name] = trainer._update
    times = measure(updates, rounds)
    listed = ", ".join(f"{name} {np.median(t):.1f} ms ({min(t):.1f})" for name, t in times.items())
    print(f"An update at B = 32: {listed}")


def _trained(rounds: int) -> None:
    """Print times of the machines that come with the package, and of the same ones before training.

    A trained one has weightings and memories full of numbers next to zero, which may take longer.
    """
    for name in pretrained_tasks("ntm"):
        trained, run = load_run(pretrained("ntm", name))
        task, sizes = run.task_spec().make(), run.task_spec().largest
        batch = task.episodes(keyed.stream_keys(np.zeros(16), np.arange(16)), **sizes)
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)

        def update(
            model: torch.nn.Module, read: Readout, inputs: torch.Tensor, targets: torch.Tensor
        ) -> None:
            state = model.initial_state(inputs.shape[1], capacity(len(inputs)))  # type: ignore[operator]
            read.loss(model(inputs, state)[0], targets).backward()  # type: ignore

        models = {"trained": trained, "new": run.build(task)}
        times = measure(
            {key: partial(update, m, readout(task.answers), inputs, targets) for key, m in models.items()},
            rounds,
        )
        listed = ", ".join(f"{key} {np.median(t):.1f} ms ({min(t):.1f})" for key, t in times.items())
        print(f"{name}, 16 sequences of the largest size: {listed}")


def _evaluation() -> None:
    """Print how long a step of a sequence takes without gradients, in each rung as it is evaluated.

    A ladder's time is that of all its sequences, by what one call of as many as go side by side takes.
    """
    print("Microseconds of one core a step and sequence: stepping / whole, weightings kept / whole")
    ladders = np.zeros(3)
    for name in pretrained_tasks("ntm"):
        model, spec, total = NTM.from_pretrained(name), tasks.spec(name), np.zeros(3)
        for rung in spec.rungs:
            task, count = spec.make(), spec.rung_sequences(rung)
            slots = capacity(task.steps(**rung))
            rows = min(count, max(1, SLOTS_AT_A_TIME // slots))
            batch = task.episodes(keyed.stream_keys(np.zeros(rows), np.arange(rows)), **rung)
            each = _microseconds(model, torch.from_numpy(batch.inputs), slots)
            total += each * len(batch.inputs) * count / 1e6
            shape = f"{rows} x {len(batch.inputs)} steps, {slots} slots"
            print(f"{name}, {dict(rung)}, {shape}:", *(f"{us:.2f}" for us in each), flush=True)
        ways = " / ".join(f"{seconds:.1f} s" for seconds in total)
        print(f"{name}, whole ladder: {ways}, {total[0] / total[2]:.1f} times as fast")
        ladders += total
    ways = " / ".join(f"{seconds:.1f} s" for seconds in ladders)
    print(f"All ladders: {ways}, {ladders[0] / ladders[2]:.1f} times as fast")


def _microseconds(model: NTM, inputs: torch.Tensor, slots: int) -> NDArray[np.float64]:
    """Return the time of a step and sequence of ``[T, B, I]``: step by step, and as a whole in two ways."""

    def step(inputs: torch.Tensor) -> None:
        state = model.initial_state(inputs.shape[1], slots)
        for x in inputs.split(1):
            _, state = model(x, state)

    def keep(inputs: torch.Tensor) -> None:
        model._answer(model._recur(inputs, model.initial_state(inputs.shape[1], slots))[0])

    def whole(inputs: torch.Tensor) -> None:
        model(inputs, model.initial_state(inputs.shape[1], slots))

    times = []
    for way in (step, keep, whole):
        with torch.inference_mode():
            way(inputs[:16])  # compiles the kernel
            start = time.process_time()  # of one core, whatever else it does meanwhile
            way(inputs)
            times.append(1e6 * (time.process_time() - start) / inputs.shape[:2].numel())
    return np.array(times)


def _figure(path: Path) -> None:
    """Draw milliseconds a batch by T and by N."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    grid = figure.subplots(1, 2)
    ways = (("T", [20, 40, 80, 160, 320, 640]), ("N", [64, 128, 256, 512, 1024, 2048]))
    for axes, (name, values) in zip(grid, ways, strict=True):
        for kernel, colour, marker in (("reference", "#D55E00", "s"), ("fused", "#0072B2", "o")):
            times = []
            for value in values:
                work = Work(**{"B": 8, "T": 41, "N": 128, name: value})
                times.append(min(measure({kernel: work.variants()[kernel]}, 3)[kernel]))
            axes.plot(values, times, color=colour, marker=marker, label=kernel)
        axes.plot(values, [times[0] * v / values[0] for v in values], "--", color="#999999", label="linear")
        axes.set(xscale="log", yscale="log", xlabel=name, title=f"by {name}", xticks=values)
        axes.set_xticks(values, [str(value) for value in values])
        axes.minorticks_off()
        axes.grid(color="#E6E6E6")
        axes.spines[["top", "right"]].set_visible(False)
    grid[0].set_ylabel("ms a batch of 8")
    grid[0].legend(frameon=False)
    figure.savefig(path, dpi=130)


def _product_rate() -> float:
    """Return the GFLOP/s of a large product of matrices: what the processor can do."""
    a, best = torch.randn(512, 512), float("inf")
    for _ in range(30):
        start = time.perf_counter()
        torch.mm(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * 512**3 / best / 1e9


def _peak_memory() -> float:
    """Return the gigabytes that a process needs for one long batch."""
    Work(LONG["B"], LONG["T"], LONG["N"]).variants()["fused"]()
    status = Path("/proc/self/status").read_text()  # `resource` would count the parent's memory too
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 2**20


def _first_batch() -> tuple[float, float]:
    """Return the seconds of the first forward and backward of a process."""
    model, start = NTM(INPUTS, OUTPUTS), time.perf_counter()
    logits, _ = model(torch.zeros(2, 2, INPUTS), model.initial_state(2, 4))
    middle = time.perf_counter()
    logits.sum().backward()
    return middle - start, time.perf_counter() - middle


def _part(name: str, **environment: str) -> str:
    command = [sys.executable, __file__, "--part", name]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main(tyro.cli(Options))
