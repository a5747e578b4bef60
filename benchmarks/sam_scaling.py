"""Measures time and memory of a SAM against the number of slots, beside a dense NTM, on one core.

    taskset --cpu-list 0 .venv/bin/python benchmarks/sam_scaling.py --output docs/sam_scaling.png

Source: figure 1 of Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes*
(NIPS 2016). All machines have an LSTM of 100 units, words of 32 numbers and four heads, and see one sequence;
a head of the SAM reads four slots and writes, and the NTM has one write head beside its four read heads. The
memory is full of random words, and all of them are in the index, before the clock starts.

- *step*: milliseconds of a step forward and backward, by the difference of a longer and a shorter sequence.
- *start*: milliseconds that a sequence takes beside its steps: a copy of the memory, and a list of its slots.
- *MiB*: peak of the memory of 100 steps forward and backward. Neither the memory at the start is counted nor
  that at the end, which are data and result; what else the state has, such as the index, is.

Times are in processor time, so that a busy machine distorts them little, and all cases take turns.
"""

from __future__ import annotations

import ctypes
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro
from matplotlib.axes import Axes
from rich.console import Console
from rich.table import Table
from torch import nn

from ntm_agents import NTM
from ntm_agents.kernels.hashed import enter_all, hyperplanes
from ntm_agents.machines.sam import SAM
from ntm_agents.protocol import tensors
from ntm_envs.files import write_atomically
from ntm_leaderboard.page.figures import COLOURS, MARKERS, STYLE

INPUTS, OUTPUTS, WIDTH, HEADS, READS = 9, 8, 32, 4, 4
WORK = {"NTM": 2**21, "SAM exact": 2**23, "SAM approximate": 2**30}
"""Machines, and the number of steps times slots from which on they take fewer steps."""
MOST_DENSE = 2**18
"""Slots from which on a dense machine's memory is not measured, as 100 steps take gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure time and memory of a SAM against the number of slots."""

    slots: tuple[int, ...] = tuple(4**i for i in range(3, 11))
    """Numbers of slots."""
    machines: tuple[str, ...] = tuple(WORK)
    """Machines to measure, some of these."""
    steps: int = 1000
    """Largest number of steps of the shorter sequence; the longer one has twice as many."""
    rounds: int = 3
    """Number of rounds, of which the median is shown."""
    output: Path | None = None
    """File of the figure; None for none."""


def full_sam(slots: int, index: str) -> tuple[SAM, Any]:
    """Return a SAM, and a state with a memory full of random words, all of which are in its index."""
    model = SAM(INPUTS, OUTPUTS, heads=HEADS, read_slots=READS, index=index, memory_slots=slots)
    state = model.initial_state(1, slots)
    state.memory.normal_()
    for tables in state.tables:
        planes = hyperplanes(tables.shape[1], tables.shape[2], WIDTH, state.memory).numpy()
        enter_all(state.memory.numpy(), planes, np.empty(len(planes), np.float32), tables.numpy())
    return model, state


def full_ntm(slots: int) -> tuple[NTM, Any]:
    """Return a dense NTM with four read heads and one write head, and a state full of random words."""
    model = NTM(INPUTS, OUTPUTS, read_heads=HEADS, memory_width=WIDTH, memory_slots=slots)
    state = model.initial_state(1, slots)
    return model, state._replace(memory=torch.randn(1, slots, WIDTH))


class Case:
    """A machine with so many slots, and what is measured of it."""

    def __init__(self, machine: str, slots: int, most: int) -> None:
        self.machine, self.slots = machine, slots
        self.steps = max(1, min(most, WORK[machine] // slots))
        self.model: nn.Module
        if machine == "NTM":
            self.model, self.state = full_ntm(slots)
        else:
            self.model, self.state = full_sam(slots, machine.removeprefix("SAM "))
        self.update(self.steps)  # the first time takes longer
        self.times: list[tuple[float, float]] = []
        self.mebibytes = float("nan")

    def update(self, steps: int) -> None:
        """Take steps forward and backward."""
        self.model(torch.randn(steps, 1, INPUTS), self.state)[0].square().sum().backward()

    def take_time(self) -> None:
        """Measure a shorter and a longer sequence."""
        clock = [time.process_time()]
        for steps in (self.steps, 2 * self.steps):
            self.update(steps)
            clock.append(time.process_time())
        short, long = 1000 * np.diff(clock)
        self.times.append(((long - short) / self.steps, 2 * short - long))

    def take_memory(self) -> None:
        """Measure the peak of 100 steps, unless it is too large."""
        if self.machine == "NTM" and self.slots > MOST_DENSE:
            return
        beside = sum(part.nbytes for _, part in tensors(self.state)) - self.state.memory.nbytes
        result = self.state.memory.nbytes
        self.mebibytes = peak(lambda: self.update(100)) + (beside - result) / 2**20

    @property
    def step(self) -> float:
        """Milliseconds a step."""
        return float(np.median([step for step, _ in self.times]))

    @property
    def start(self) -> float:
        """Milliseconds that a sequence takes beside its steps."""
        return float(np.median([start for _, start in self.times]))


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


def measure(options: Options) -> list[Case]:
    """Measure all machines with all numbers of slots, and print a table."""
    cases = [Case(machine, slots, options.steps) for slots in options.slots for machine in options.machines]
    for _ in range(options.rounds):
        for case in cases:
            case.take_time()
    table = Table("machine", box=None)
    for name in ("slots", "step", "(least, largest)", "start", "100 steps", "MiB"):
        table.add_column(name, justify="right")
    for case in cases:
        case.take_memory()
        steps, memory = [step for step, _ in case.times], case.mebibytes
        table.add_row(
            *(case.machine, f"{case.slots:,}", f"{case.step:.3f}"),
            *(f"({min(steps):.3f}, {max(steps):.3f})", f"{case.start:.1f}"),
            *(f"{case.start + 100 * case.step:.1f}", "" if np.isnan(memory) else f"{memory:.1f}"),
        )
    Console(width=90).print(table)
    return cases


def draw(cases: list[Case], path: Path) -> None:
    """Draw times and memory against the number of slots."""
    slots = sorted({case.slots for case in cases})
    memories = [n * WIDTH * 4 / 2**20 for n in slots]
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(10, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        right.plot(slots, memories, color="#888888", linestyle="--", linewidth=1)
        middle = len(slots) // 2
        _name(right, slots[middle], memories[middle], "the memory itself", "#666666", down=9)
        colours = (COLOURS[1], COLOURS[2], COLOURS[0])
        for machine, colour, marker in zip(WORK, colours, MARKERS[1:], strict=False):
            mine = [case for case in cases if case.machine == machine]
            measured = [case for case in mine if np.isfinite(case.mebibytes)]
            for axes, some, values in (
                (left, mine, [case.step for case in mine]),
                (right, measured, [case.mebibytes for case in measured]),
            ):
                axes.plot([case.slots for case in some], values, marker=marker, color=colour, markersize=5)
                _name(axes, some[-1].slots, values[-1], machine, colour)
        left.set_title("A step forward and backward, milliseconds", fontsize=11, loc="left")
        right.set_title("Memory of 100 steps, MiB", fontsize=11, loc="left")
        for axes in (left, right):
            axes.set(xscale="log", yscale="log", xlabel="slots")
            axes.set_xticks(slots, [_short(n) for n in slots])
            axes.minorticks_off()
            axes.yaxis.set_major_formatter("{x:g}")
        right.set_ylim(bottom=memories[middle] / 5)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=150, metadata={"Software": None})
    write_atomically(path, file.getvalue())


def _name(axes: Axes, x: float, y: float, name: str, colour: str, down: float = 0) -> None:
    """Write the name of a line to the right of a point."""
    axes.annotate(name, (x, y), (9, -down), textcoords="offset points", va="center", color=colour)


def _short(slots: int) -> str:
    """Return a number of slots as a tick has room for it: 1 k is 1,024, and 1 M is 1,048,576."""
    exponent = min(2, (slots.bit_length() - 1) // 10)
    return f"{slots / 1024**exponent:g}{('', ' k', ' M')[exponent]}"


def main(options: Options) -> None:
    """Measure and print everything, and draw the figure."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = measure(options)
    if options.output:
        draw(cases, options.output)


if __name__ == "__main__":
    main(tyro.cli(Options))
