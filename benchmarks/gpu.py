"""Measures batches on a GPU: one operation at a time, and a CUDA graph, beside the kernel on the CPU.

    .venv/bin/python benchmarks/gpu.py

A time is that of forward and backward of one batch of the largest training sequences of Copy, by the model
of an agent's recipe. All variants of a line are measured in turn, in one process: the median and, in
brackets, the least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from ntm_agents.kernels.threads import set_num_threads
from ntm_agents.readout import Readout, readout
from ntm_envs import capacity, tasks
from ntm_leaderboard.harness.entrants import new_run
from ntm_leaderboard.harness.outputs import episodes
from ntm_leaderboard.harness.timing import measure


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure batches on a GPU."""

    rounds: int = 5
    """Number of rounds."""
    sizes: tuple[int, ...] = (1, 32, 256, 1024)
    """Batch sizes of the NTM."""
    threads: int = 4
    """Threads of the kernel on the CPU, besides one."""
    agents: tuple[str, ...] = ("ntm-one", "dnc", "sam", "lstm", "transformer", "deltanet", "mamba")
    """Agents that are measured with one large batch, on the GPU and on one core."""
    size: int = 256
    """Size of that batch."""


@dataclass(frozen=True)
class Work:
    """A model and a batch on a device."""

    model: nn.Module
    readout: Readout
    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, agent: str, size: int, device: str) -> Work:
        """Return an agent's model, and so many sequences."""
        row, run = tasks.spec("copy"), new_run(agent, "copy")
        task = row.make()
        torch.manual_seed(0)
        model = run.build(task).to(device)
        batch = episodes(task, row.largest, size)
        inputs, targets = (torch.from_numpy(part).to(device) for part in (batch.inputs, batch.targets))
        return cls(model, readout(task.answers), inputs, targets)

    def __call__(self) -> None:
        """Compute the gradient of the mean loss."""
        state = self.model.initial_state(self.inputs.shape[1], capacity(len(self.inputs)))  # type: ignore[operator]
        loss = self.readout.loss(self.model(self.inputs, state)[0], self.targets)
        loss.backward()  # type: ignore[no-untyped-call]

    def finish(self) -> None:
        """Compute it, and wait for the GPU."""
        self()
        torch.cuda.synchronize()

    def gradient(self) -> Tensor:
        """Return the gradients of all parameters, one behind the other, and forget them."""
        parameters = list(self.model.parameters())
        flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).cpu()
        for parameter in parameters:
            parameter.grad = None
        return flat


def captured(work: Work) -> Callable[[], None]:
    """Return a call that computes the same by one CUDA graph, whose gradients do not add up."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # memory is allocated, and libraries are loaded, before the capture
            work()
    torch.cuda.current_stream().wait_stream(stream)
    work.gradient()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()

    def replay() -> None:
        graph.replay()
        torch.cuda.synchronize()

    return replay


def on(threads: int, work: Work) -> None:
    """Compute a batch on so many threads of the CPU."""
    torch.set_num_threads(threads)
    set_num_threads(threads)
    work()


def of_the_ntm(console: Console, options: Options) -> None:
    """Print the times of batches of several sizes by the NTM."""
    table = Table(title="ntm on Copy, T = 41: ms a batch, median (least)", box=None)
    names = ["1 thread", f"{options.threads} threads", "GPU", "GPU, one graph"]
    for name in ("B", *names, "sequences/s, graph", "gradient"):
        table.add_column(name, justify="right")
    for size in options.sizes:
        cpu, gpu = (Work.of("ntm", size, device) for device in ("cpu", "cuda"))
        cpu()
        expected = cpu.gradient()
        gpu()
        difference = [float((gpu.gradient() - expected).norm() / expected.norm())]
        replay = captured(gpu)
        replay()
        difference.append(float((gpu.gradient() - expected).norm() / expected.norm()))
        calls: dict[str, Callable[[], None]] = {
            names[0]: partial(on, 1, cpu),
            names[1]: partial(on, options.threads, cpu),
            names[2]: gpu.finish,
            names[3]: replay,
        }
        times = measure(calls, options.rounds)
        cells = [f"{np.median(times[name]):.2f} ({min(times[name]):.2f})" for name in names]
        rate = f"{1000 * size / np.median(times[names[3]]):,.0f}"
        table.add_row(str(size), *cells, rate, " ".join(f"{d:.1e}" for d in difference))
    console.print(table)


def of_agents(console: Console, options: Options) -> None:
    """Print the times of a large batch by several agents."""
    table = Table(title=f"Copy, T = 41, B = {options.size}: ms a batch, median (least)", box=None)
    for name in ("agent", "1 thread", "GPU", "times as fast"):
        table.add_column(name, justify="right")
    for agent in options.agents:
        cpu, gpu = (Work.of(agent, options.size, device) for device in ("cpu", "cuda"))
        times = measure({"1 thread": partial(on, 1, cpu), "GPU": gpu.finish}, options.rounds)
        cells = [f"{np.median(part):.1f} ({min(part):.1f})" for part in times.values()]
        ratio = np.median(times["1 thread"]) / np.median(times["GPU"])
        table.add_row(agent, *cells, f"{ratio:.1f}")
    console.print(table)


def main(options: Options) -> None:
    """Measure and print."""
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch finds no GPU; torch.cuda.is_available() tells when it does")
    console = Console(width=124)
    console.print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}", highlight=False)
    of_the_ntm(console, options)
    of_agents(console, options)


if __name__ == "__main__":
    main(tyro.cli(Options))
