"""Measures how fast a DNC trains: the fused kernel beside plain PyTorch and a naive loop, on one core.

    taskset --cpu-list 0 .venv/bin/python benchmarks/dnc_throughput.py

A time is that of forward and backward of one batch. All variants of a line are measured in turn, in one
process, so that a busy machine slows all of them. It takes about three minutes, or ten with `--other`, which
also measures the DNC of PyPI (https://github.com/ixaxaar/pytorch-dnc), if it is installed. With `--slots` it
draws a figure instead: times against the number of slots, for all links, sparse links and none.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.machines.dnc import DNC
from ntm_agents.readout import readout
from ntm_envs.answers import Bits
from ntm_leaderboard.harness.timing import measure

INPUTS, OUTPUTS, HIDDEN, WIDTH, HEADS = 9, 8, 100, 20, 4


class NaiveDNC(nn.Module):
    """A naive DNC: one step after another, and one PyTorch operation for each equation of the paper.

    It computes the same as `ntm_agents.DNC` with an LSTM controller.

    Args:
        input_size: Number of input channels.
        output_size: Number of output channels.
        hidden_size: Units of the controller.
        heads: Number of read heads.
        slots: Slots of the memory.
        width: Width of a slot.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        hidden_size: int = HIDDEN,
        heads: int = HEADS,
        slots: int = 64,
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        self.hidden_size, self.heads, self.slots, self.width = hidden_size, heads, slots, width
        self.controller = nn.LSTMCell(input_size + heads * width, hidden_size)
        self.sizes = [heads * width, heads, width, 1, width, width, heads, 1, 1, 3 * heads]
        self.interface = nn.Linear(hidden_size, sum(self.sizes))
        self.output = nn.Linear(hidden_size + heads * width, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of inputs ``[T, B, I]``."""
        B, N, R = inputs.shape[1], self.slots, self.heads
        memory, links = torch.zeros(B, N, self.width), torch.zeros(B, N, N)
        usage, precedence, writing = (torch.zeros(B, N) for _ in range(3))
        reading, reads = torch.zeros(B, R, N), torch.zeros(B, R * self.width)
        state = (torch.zeros(B, self.hidden_size), torch.zeros(B, self.hidden_size))
        logits = []
        for t in range(len(inputs)):
            state = self.controller(torch.cat([inputs[t], reads], 1), state)
            parts = torch.split(self.interface(state[0]), self.sizes, 1)
            read_keys, read_strengths = parts[0].view(B, R, self.width), 1 + functional.softplus(parts[1])
            write_key, write_strength = parts[2].unsqueeze(1), 1 + functional.softplus(parts[3])
            erase, write, free = torch.sigmoid(parts[4]), parts[5], torch.sigmoid(parts[6])
            allocation_gate, write_gate = torch.sigmoid(parts[7]), torch.sigmoid(parts[8])
            modes = torch.softmax(parts[9].view(B, R, 3), 2)

            retention = torch.prod(1 - free.unsqueeze(2) * reading, 1)
            usage = (usage + writing - usage * writing) * retention
            ordered, order = torch.sort(1e-6 + (1 - 1e-6) * usage, 1)
            products = torch.cumprod(torch.cat([torch.ones(B, 1), ordered[:, :-1]], 1), 1)
            allocation = torch.zeros(B, N).scatter(1, order, (1 - ordered) * products)
            content = self.look_up(memory, write_key, write_strength).squeeze(1)
            writing = write_gate * (allocation_gate * allocation + (1 - allocation_gate) * content)
            memory = memory * (1 - writing.unsqueeze(2) * erase.unsqueeze(1))
            memory = memory + writing.unsqueeze(2) * write.unsqueeze(1)

            links = (1 - writing.unsqueeze(2) - writing.unsqueeze(1)) * links
            links = links + writing.unsqueeze(2) * precedence.unsqueeze(1)
            links = links * (1 - torch.eye(N))
            precedence = (1 - writing.sum(1, keepdim=True)) * precedence + writing
            forward, backward = reading @ links.transpose(1, 2), reading @ links
            ways = torch.stack([backward, self.look_up(memory, read_keys, read_strengths), forward], 2)
            reading = (modes.unsqueeze(3) * ways).sum(2)
            reads = (reading @ memory).flatten(1)
            logits.append(self.output(torch.cat([state[0], reads], 1)))
        return torch.stack(logits)

    def look_up(self, memory: Tensor, keys: Tensor, strengths: Tensor) -> Tensor:
        """Return the weightings by content of keys ``[B, H, W]``."""
        norms = keys.norm(dim=2, keepdim=True) * memory.norm(dim=2).unsqueeze(1)
        similarity = keys @ memory.transpose(1, 2) / (norms + 1e-6)
        return torch.softmax(similarity * strengths.unsqueeze(2), 2)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure how fast a DNC trains."""

    rounds: int = 7
    """Number of rounds."""
    other: bool = False
    """True to measure the DNC of PyPI too, which takes seconds a batch."""
    slots: Path | None = None
    """File of a figure of times against the number of slots, which is drawn in place of the table."""


@dataclass(frozen=True)
class Work:
    """A line of the table: the size of a batch, and the model."""

    B: int
    T: int
    N: int
    links: int | None = None

    def variants(self, other: bool) -> dict[str, Callable[[], None]]:
        """Return calls that take one batch forward and backward, by variant."""
        x, y = torch.randn(self.T, self.B, INPUTS), torch.rand(self.T, self.B, OUTPUTS).round()

        def update(forward: Callable[[], Tensor]) -> None:
            readout(Bits(OUTPUTS)).loss(forward(), y).backward()  # type: ignore[no-untyped-call]

        def logits(model: DNC) -> Tensor:
            outputs: Tensor = model(x, model.initial_state(self.B, self.N))[0]
            return outputs

        made: dict[str, Callable[[], None]] = {}
        if other:
            made["PyPI"] = partial(update, partial(_other(self.N), x))
        if self.links is None:
            made["naive"] = partial(update, partial(NaiveDNC(INPUTS, OUTPUTS, slots=self.N), x))
        for kernel in ("reference", "fused"):
            config = {"read_heads": HEADS, "memory_width": WIDTH, "hidden_size": HIDDEN, "links": self.links}
            model = DNC(INPUTS, OUTPUTS, memory_slots=self.N, kernel=kernel, **config)
            made[kernel] = partial(update, partial(logits, model))
        return made


def _other(slots: int) -> Callable[[Tensor], Tensor]:
    """Return the DNC of PyPI with a linear layer for the logits, as a function of inputs ``[T, B, I]``."""
    module: Any = importlib.import_module("dnc")
    model = module.DNC(
        input_size=INPUTS,
        hidden_size=HIDDEN,
        rnn_type="lstm",
        num_layers=1,
        num_hidden_layers=1,
        nr_cells=slots,
        cell_size=WIDTH,
        read_heads=HEADS,
        batch_first=False,
    )
    output = nn.LazyLinear(OUTPUTS)
    return lambda inputs: output(model(inputs, None, reset_experience=True)[0])


WORKS = (
    Work(1, 41, 64),
    Work(16, 41, 64),
    Work(16, 41, 64, links=8),
    Work(16, 41, 64, links=0),
    Work(16, 164, 64),
    Work(16, 41, 256),
    Work(2, 41, 4096, links=8),
)


def main(options: Options) -> None:
    """Measure and print everything, or draw the figure."""
    torch.set_num_threads(1)
    if options.slots:
        _figure(options.slots, options.rounds)
        return
    console = Console(width=124)
    table = Table(title="Milliseconds a batch: median (least)", box=None)
    for name in ("B", "T", "N", "links", "PyPI", "naive", "reference", "fused"):
        table.add_column(name, justify="right")
    for name in ("PyPI", "naive", "reference"):
        table.add_column(f"{name} / fused", justify="right")
    for i, work in enumerate(WORKS):
        times = measure(work.variants(options.other and i == 1), options.rounds)
        cells = {name: f"{np.median(t):.1f} ({min(t):.1f})" for name, t in times.items()}
        median, least = np.median(times["fused"]), min(times["fused"])
        ratios = {name: f"{np.median(t) / median:.1f} ({min(t) / least:.1f})" for name, t in times.items()}
        sizes = (str(work.B), str(work.T), str(work.N), "all" if work.links is None else str(work.links))
        row = [cells.get(name, "") for name in ("PyPI", "naive", "reference", "fused")]
        table.add_row(*sizes, *row, *(ratios.get(name, "") for name in ("PyPI", "naive", "reference")))
    console.print(table)


def _figure(path: Path, rounds: int) -> None:
    """Draw milliseconds of a sequence of 41 steps against the number of slots, and print them."""
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    slots = [2**i for i in range(6, 14)]
    for links, name, colour, marker in (
        (None, "all links", "#D55E00", "s"),
        (8, "8 links a row", "#0072B2", "o"),
        (0, "no links", "#009E73", "^"),
    ):
        shown = slots if links is not None else slots[:6]  # those of 4096 slots take gigabytes
        works = [Work(1, 41, N, links).variants(other=False)["fused"] for N in shown]
        times = [np.median(measure({"fused": work}, rounds)["fused"]) for work in works]
        axes.plot(shown, times, color=colour, marker=marker, label=name)
        print(f"{name}: " + ", ".join(f"{N}: {time:.1f}" for N, time in zip(shown, times, strict=True)))
    axes.set(xscale="log", yscale="log", xlabel="slots", ylabel="milliseconds a sequence")
    axes.set_xticks(slots, [str(N) for N in slots])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main(tyro.cli(Options))
