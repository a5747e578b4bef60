"""Measures time and memory of a SAM against the number of slots, beside a dense NTM, on one core.

    taskset --cpu-list 0 .venv/bin/python benchmarks/sam_scaling.py --output docs/sam_scaling.png
    taskset --cpu-list 0 .venv/bin/python benchmarks/sam_scaling.py --recall

All machines have an LSTM of 100 units, words of 32 numbers and four heads; a head of the SAM reads four
slots. The memory is full of random words, and all of them are in the index, before the clock starts.

- *step*: milliseconds of a step forward and backward, by the difference of a longer and a shorter sequence.
- *start*: milliseconds that a sequence takes beside its steps: a copy of the memory, and a list of its slots.
- *MiB*: peak of the memory of forward and backward of 100 steps, beyond what the process had before. The
  memory at the end, which is one of the results, is not counted.

Times are in processor time, so that a busy machine distorts them little. With `--recall` it prints instead
which share of the most similar slots the index finds, and how long it looks for them.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from numba import njit
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import nn

from ntm_agents import NTM
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.hashed import WEAK, enter_all, hyperplanes, search, table_shape
from ntm_agents.kernels.nearest import begin
from ntm_agents.machines.sam import SAM

INPUTS, OUTPUTS, HIDDEN, WIDTH, HEADS, READS = 9, 8, 100, 32, 4, 4
MOST_DENSE = 2**16
"""Slots of the largest dense memory."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure time and memory of a SAM against the number of slots."""

    slots: tuple[int, ...] = tuple(4**i for i in range(3, 11))
    """Numbers of slots."""
    machines: tuple[str, ...] = ("NTM", "SAM exact", "SAM approximate")
    """Machines to measure, some of these."""
    steps: int = 1000
    """Steps of the shorter sequence; the longer one has twice as many. Dense machines take fewer."""
    rounds: int = 5
    """Number of rounds, of which the median is shown."""
    output: Path | None = None
    """File of the figure; None for none."""
    recall: bool = False
    """True to measure the index alone."""


def planes_of(slots: int) -> NDArray[np.float32]:
    """Return the normals of the index's hyperplanes for N slots."""
    planes = hyperplanes(*table_shape(slots)[:2], WIDTH, torch.zeros(()))
    return np.asarray(planes.numpy())


def full_sam(slots: int, index: str) -> tuple[SAM, Any]:
    """Return a SAM, and a state with a memory full of random words, all of which are in its index."""
    model = SAM(INPUTS, OUTPUTS, heads=HEADS, read_slots=READS, index=index, memory_slots=slots)
    state = model.initial_state(1, slots)
    state.memory.normal_()
    for tables in state.tables:
        planes = planes_of(slots)
        enter_all(state.memory.numpy(), planes, np.empty(len(planes), np.float32), tables.numpy())
    return model, state


def full_ntm(slots: int) -> tuple[NTM, Any]:
    """Return a dense NTM with four read heads and one write head, and a state full of random words."""
    model = NTM(INPUTS, OUTPUTS, read_heads=HEADS, memory_width=WIDTH, memory_slots=slots)
    state = model.initial_state(1, slots)
    return model, state._replace(memory=torch.randn(1, slots, WIDTH))


def update(model: nn.Module, state: Any, steps: int) -> Callable[[], None]:
    """Return a call that takes steps forward and backward."""
    inputs = torch.randn(steps, 1, INPUTS)

    def call() -> None:
        model(inputs, state)[0].square().sum().backward()

    return call


def seconds(call: Callable[[], None], rounds: int) -> float:
    """Return the median of processor times, after a call that is not measured."""
    call()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return float(np.median(times))


def peak(call: Callable[[], None]) -> float:
    """Return the MiB by which the memory of the process grows at most during a call."""
    ctypes.CDLL(None).malloc_trim(0)  # what is free goes back to the system
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is now what there is
    before = _resident("VmRSS")
    call()
    return _resident("VmHWM") - before


def _resident(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


@dataclass(frozen=True)
class Line:
    """Measurements of one machine with so many slots."""

    machine: str
    slots: int
    step: float
    start: float
    mebibytes: float


def measured(machine: str, slots: int, options: Options) -> Line:
    """Measure one machine."""
    dense = machine == "NTM"
    steps = max(1, min(options.steps, 2**18 // slots)) if dense else options.steps
    model, state = full_ntm(slots) if dense else full_sam(slots, machine.removeprefix("SAM "))
    short, long = (seconds(update(model, state, n), options.rounds) for n in (steps, 2 * steps))
    memory = float("nan")
    if not dense or slots <= 2**12:  # a larger dense one takes gigabytes
        result = slots * WIDTH * 4 / 2**20
        memory = peak(update(model, state, 100)) - result
    step = (long - short) / steps
    return Line(machine, slots, 1000 * step, 1000 * (short - steps * step), memory)


def scaling(options: Options) -> list[Line]:
    """Measure all machines with all numbers of slots, and print a table."""
    table, lines = Table(box=None), []
    for name in ("machine", "slots", "step", "start", "MiB"):
        table.add_column(name, justify="left" if name == "machine" else "right")
    for slots in options.slots:
        for machine in options.machines:
            if machine == "NTM" and slots > MOST_DENSE:
                continue
            line = measured(machine, slots, options)
            lines.append(line)
            memory = "" if np.isnan(line.mebibytes) else f"{line.mebibytes:.1f}"
            table.add_row(machine, f"{slots:,}", f"{line.step:.3f}", f"{line.start:.1f}", memory)
    Console(width=80).print(table)
    return lines


def draw(lines: list[Line], path: Path) -> None:
    """Draw times and memory against the number of slots."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for machine, colour, marker in (
        ("NTM", "#D55E00", "s"),
        ("SAM exact", "#009E73", "^"),
        ("SAM approximate", "#0072B2", "o"),
    ):
        mine = [line for line in lines if line.machine == machine]
        slots = [line.slots for line in mine]
        left.plot(slots, [line.step for line in mine], color=colour, marker=marker, label=machine)
        right.plot(slots, [line.mebibytes for line in mine], color=colour, marker=marker, label=machine)
    left.set(ylabel="milliseconds a step")
    right.set(ylabel="MiB for 100 steps")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="slots")
        axes.grid(alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(path, dpi=130)


@njit
def look_up(memory, keys, planes, tables, found):  # type: ignore[no-untyped-def]
    """Write the slots that the index finds for keys ``[Q, M]``."""
    epsilons = Epsilons(np.float32(1e-30), np.float32(0), np.float32(1e-6))
    best, weak = np.empty(found.shape[1], np.float32), np.empty(WEAK, np.int64)
    projections = np.empty(len(planes), np.float32)
    for q in range(len(keys)):
        key = keys[q]
        norm = np.float32(np.sqrt((key * key).sum()))
        begin(best, found[q])
        search(memory, key, norm, epsilons, planes, projections, weak, tables, best, found[q])


def noisy_copies(words: NDArray[np.float32], cosine: float, random: np.random.Generator) -> Any:
    """Return keys ``[Q, M]`` with this cosine to words."""
    words = words / np.linalg.norm(words, axis=1, keepdims=True)
    noise = random.standard_normal(words.shape, np.float32)
    noise -= (noise * words).sum(1, keepdims=True) * words
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    return np.float32(cosine) * words + np.float32(np.sqrt(1 - cosine**2)) * noise


def recall(options: Options, queries: int = 100) -> None:
    """Print the recall of the index for noisy copies of words of the memory, and for random keys."""
    table, random = Table(box=None), np.random.default_rng(0)
    for name in ("slots", "cosine", "the slot itself", f"the {READS} most similar", "μs a key"):
        table.add_column(name, justify="right")
    for slots in options.slots:
        memory = random.standard_normal((slots, WIDTH), np.float32)
        norms = np.linalg.norm(memory, axis=1)
        planes, tables = planes_of(slots), np.zeros((1, *table_shape(slots)), np.int32)
        enter_all(memory[None], planes, np.empty(len(planes), np.float32), tables)
        for cosine in (0.95, 0.9, 0.8, 0.0):
            chosen = random.integers(slots, size=queries)
            keys, found = noisy_copies(memory[chosen], cosine, random), np.zeros((queries, READS), np.int64)
            look_up(memory, keys, planes, tables[0], found)
            start = time.process_time()
            look_up(memory, keys, planes, tables[0], found)
            taken = (time.process_time() - start) / queries
            right = [np.argpartition(memory @ key / norms, -READS)[-READS:] for key in keys]
            shared = [len(set(one) & set(other)) for one, other in zip(found, right, strict=True)]
            itself = f"{(found == chosen[:, None]).any(1).mean():.2f}" if cosine else ""
            share = f"{np.mean(shared) / READS:.2f}"
            table.add_row(f"{slots:,}", f"{cosine:g}", itself, share, f"{1e6 * taken:.0f}")
    Console(width=80).print(table)


def main(options: Options) -> None:
    """Measure and print everything, and draw the figure."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.recall:
        recall(options)
        return
    lines = scaling(options)
    if options.output:
        draw(lines, options.output)


if __name__ == "__main__":
    main(tyro.cli(Options))
