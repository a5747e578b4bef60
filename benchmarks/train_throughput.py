"""Measures how fast an NTM trains: the fused kernel beside plain PyTorch and a naive loop, on one core.

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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import NTM
from ntm_agents.readout import readout
from ntm_envs.answers import Bits
from ntm_leaderboard.harness.timing import measure

INPUTS, OUTPUTS, HIDDEN, WIDTH = 9, 8, 100, 20
LONG = {"T": 2000, "N": 2048, "B": 16}
"""The batch whose memory is measured."""


class NaiveNTM(nn.Module):
    """A naive NTM: one step after another, and one PyTorch operation for each equation of the paper.

    It computes the same as `ntm_agents.NTM`.

    Args:
        input_size: Number of input channels.
        output_size: Number of output channels.
        controller: ``lstm`` or ``feedforward``.
        hidden_size: Units of the controller.
        heads: Number of heads that read, and as many that write.
        slots: Slots of the memory.
        width: Width of a slot.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        controller: str = "lstm",
        hidden_size: int = 100,
        heads: int = 1,
        slots: int = 128,
        width: int = 20,
    ) -> None:
        super().__init__()
        self.hidden_size, self.heads, self.slots, self.width = hidden_size, heads, slots, width
        seen = input_size + heads * width
        self.controller = (
            nn.LSTMCell(seen, hidden_size) if controller == "lstm" else nn.Linear(seen, hidden_size)
        )
        self.addressing = nn.Linear(hidden_size, 2 * heads * (width + 6))
        self.change = nn.Linear(hidden_size, heads * 2 * width)
        self.output = nn.Linear(hidden_size + heads * width, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of inputs ``[T, B, I]``."""
        B = inputs.shape[1]
        memory = torch.full((B, self.slots, self.width), 1e-6)
        weighting = torch.zeros(B, 2 * self.heads, self.slots)
        weighting[:, :, 0] = 1
        reads = torch.zeros(B, self.heads * self.width)
        state = (torch.zeros(B, self.hidden_size), torch.zeros(B, self.hidden_size))
        logits = []
        for t in range(len(inputs)):
            seen = torch.cat([inputs[t], reads], 1)
            if isinstance(self.controller, nn.LSTMCell):
                state = self.controller(seen, state)
                hidden = state[0]
            else:
                hidden = torch.tanh(self.controller(seen))
            weighting = self.address(self.addressing(hidden), memory, weighting)
            changes = self.change(hidden).view(B, self.heads, 2, self.width)
            for h in range(self.heads):
                erase = torch.sigmoid(changes[:, h, 0])
                memory = memory * (1 - weighting[:, h].unsqueeze(2) * erase.unsqueeze(1))
            for h in range(self.heads):
                memory = memory + weighting[:, h].unsqueeze(2) * changes[:, h, 1].unsqueeze(1)
            reads = (weighting[:, self.heads :] @ memory).flatten(1)
            logits.append(self.output(torch.cat([hidden, reads], 1)))
        return torch.stack(logits)

    def address(self, parameters: Tensor, memory: Tensor, previous: Tensor) -> Tensor:
        """Return the weightings ``[B, H, N]``: equations 5 to 9 of the paper."""
        parameters = parameters.view(len(memory), 2 * self.heads, -1)
        key, strength, gate, shifts, sharpening = torch.split(parameters, [self.width, 1, 1, 3, 1], 2)
        norms = key.norm(dim=2, keepdim=True) * memory.norm(dim=2).unsqueeze(1)
        similarity = key @ memory.transpose(1, 2) / (norms + 1e-8)
        content = torch.softmax(functional.softplus(strength) * similarity, 2)
        gate = torch.sigmoid(gate)
        gated = gate * content + (1 - gate) * previous
        shifts = torch.softmax(shifts, 2)
        rolled = [shifts[:, :, j : j + 1] * torch.roll(gated, j - 1, 2) for j in range(3)]
        sharp = (sum(rolled) + 1e-30) ** (1 + functional.softplus(sharpening))
        return sharp / sharp.sum(2, keepdim=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure how fast an NTM trains."""

    rounds: int = 7
    """Number of rounds."""
    figure: Path = Path("docs/train_throughput.png")
    """The figure of times by T and by N."""
    part: Literal["memory", "cold"] | None = None
    """One part only: memory or cold, which this script runs in separate processes."""


@dataclass(frozen=True)
class Work:
    """A line of the table: the size of a batch, and the model."""

    B: int
    T: int
    N: int
    controller: str = "lstm"
    heads: int = 1

    def variants(self) -> dict[str, Callable[[], None]]:
        """Return calls that take one batch forward and backward, by variant."""
        x, y = torch.randn(self.T, self.B, INPUTS), torch.rand(self.T, self.B, OUTPUTS).round()
        naive = NaiveNTM(INPUTS, OUTPUTS, controller=self.controller, heads=self.heads, slots=self.N)

        def update(forward: Callable[[], Tensor]) -> None:
            readout(Bits(OUTPUTS)).loss(forward(), y).backward()  # type: ignore[no-untyped-call]

        def logits(model: NTM) -> Tensor:
            outputs: Tensor = model(x, model.initial_state(self.B, self.N))[0]
            return outputs

        made: dict[str, Callable[[], None]] = {"naive": partial(update, partial(naive, x))}
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
            made[kernel] = partial(update, partial(logits, model))
        return made

    @property
    def products(self) -> float:
        """Return the floating-point operations of the matrix products, forward and backward."""
        gates = (4 if self.controller == "lstm" else 1) * HIDDEN
        seen = INPUTS + self.heads * WIDTH + (HIDDEN if self.controller == "lstm" else 0)
        parameters = self.heads * (2 * (WIDTH + 6) + 2 * WIDTH)
        output = OUTPUTS * (HIDDEN + self.heads * WIDTH)
        return 6.0 * self.T * self.B * (gates * seen + HIDDEN * parameters + output)


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


def main(options: Options) -> None:
    """Measure and print everything, or one part in a separate process."""
    torch.set_num_threads(1)
    if options.part == "memory":
        print(f"{_peak_memory():.2f}")
        return
    if options.part == "cold":
        print("{:.1f} {:.2f}".format(*_first_batch()))
        return
    console = Console(width=124)
    console.print(f"torch.mm, 512 x 512: {_product_rate():.0f} GFLOP/s", highlight=False)
    _table(console, options.rounds)
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


def _figure(path: Path) -> None:
    """Draw milliseconds a batch by T and by N."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    grid = figure.subplots(1, 2)
    ways = (("T", [20, 40, 80, 160, 320, 640]), ("N", [64, 128, 256, 512, 1024, 2048]))
    for axes, (name, values) in zip(grid, ways, strict=True):
        for kernel, colour, marker in (("reference", "#D55E00", "s"), ("fused", "#0072B2", "o")):
            times = []
            for value in values:
                work = Work(B=8, T=value, N=128) if name == "T" else Work(B=8, T=41, N=value)
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
    """Return the rate of a large matrix product in GFLOP/s, which the processor can reach."""
    a, best = torch.randn(512, 512), float("inf")
    for _ in range(30):
        start = time.perf_counter()
        torch.mm(a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * 512**3 / best / 1e9


def _peak_memory() -> float:
    """Return the gigabytes that a process needs for one long batch."""
    Work(LONG["B"], LONG["T"], LONG["N"]).variants()["fused"]()
    status = Path("/proc/self/status").read_text(
        encoding="utf-8"
    )  # `resource` would count the parent's memory too
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1]) / 2**20


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
