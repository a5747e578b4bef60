"""Views of an episode in the terminal, in a window, or as a GIF, with the heads and the memory of a model.

Shape letters: B batch, T time steps, H heads, N memory slots, M width of a slot.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.text import Text

import ntm_envs
from ntm_agents import ModelAgent
from ntm_envs.agent import Agent
from ntm_envs.files import check_writable, write_atomically
from ntm_envs.rendering import Trace, Window, trace_ansi, trace_rgb_array
from ntm_envs.tasks import SequenceTask

if TYPE_CHECKING:
    from PIL import Image  # of the extra `render`

USED = 0.05
"""Share of the largest weight of an episode that a head has to give to a slot for it to be shown."""


def frames(agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, render_mode: str) -> Iterator[Any]:
    """Play the episode of a key and yield a picture before and after each step.

    A picture is the environment's rendering, as ``ansi`` or ``rgb_array``. Below it is the output of a
    model's ``trace`` (see :class:`ntm_agents.protocol.Model`): weightings and, if it has them, usage, memory
    and links.
    """
    arguments: dict[str, Any] = {"actions": agent.outputs, **sizes}
    env = gym.make(env_id, render_mode=render_mode, **arguments)
    task = env.unwrapped.task  # type: ignore[attr-defined]
    steps = bound = task.steps(**sizes)
    if isinstance(task, SequenceTask):
        steps = int(task.count_steps(np.array([key]), {name: np.array([n]) for name, n in sizes.items()})[0])

    def episode() -> Iterator[_Look | None]:
        observation, _ = env.reset(options={"key": key})
        agent.begin(1, ntm_envs.capacity(bound), seed=0)
        yield _look(agent)
        over = False
        while not over:
            observation, _, over, _, _ = env.step(agent.act(observation[None])[0])
            yield _look(agent)

    try:
        for trace in _traces(episode, steps):
            frame = env.render()
            if trace is None:
                yield frame
            elif render_mode == "ansi":
                yield f"{frame}\n{trace_ansi(trace, (*task.input_channels, *task.output_channels))}"
            else:
                yield np.concatenate([frame, trace_rgb_array(trace, steps)])
    finally:
        env.close()


class _Look(NamedTuple):
    """What a model shows before or after a step."""

    names: tuple[str, ...]
    """Names of the heads, and of what else has a value for each slot."""
    rows: NDArray[np.float32]
    """Weightings of all heads, and the values of the others, ``[K, N]``."""
    heads: int
    """Number of heads."""
    memory: NDArray[np.float32] | None
    """Memory, ``[N, M]``; None if the model shows none."""
    links: NDArray[np.float32] | None
    """Links, ``[N, N]``; None if the model shows none."""


def _look(agent: Agent) -> _Look | None:
    """Return what a model shows; None if it shows no weightings."""
    if not isinstance(agent, ModelAgent) or not hasattr(agent.model, "trace"):
        return None
    with torch.inference_mode():
        trace = {
            name: np.nan_to_num(value[0].detach().float().cpu().numpy())
            for name, value in agent.model.trace(agent.state).items()
        }
    kinds = {name: kind for name, kind in trace.items() if name.endswith("weighting") and kind.ndim == 2}
    if len({kind.shape[1] for kind in kinds.values()}) != 1:  # none, or of memories of different sizes
        return None
    heads, slots = sum(map(len, kinds.values())), next(iter(kinds.values())).shape[1]
    usage, memory, links = (trace.get(name, np.empty(0)) for name in ("usage", "memory", "links"))
    if usage.ndim == 2 and usage.shape[1] == slots:
        kinds["usage"] = usage
    names = tuple(
        f"{name} {i + 1}" if len(kind) > 1 else name for name, kind in kinds.items() for i in range(len(kind))
    )
    return _Look(
        names=names,
        rows=np.concatenate(list(kinds.values())),
        heads=heads,
        memory=memory if memory.ndim == 2 and len(memory) == slots else None,
        links=links if links.shape == (slots, slots) else None,
    )


def _traces(episode: Callable[[], Iterator[_Look | None]], steps: int) -> Iterator[Trace | None]:
    """Play an episode and yield the trace before and after each step; None if there is none."""
    first = next(episode())
    if first is None:
        yield from (None for _ in episode())
        return
    # The used slots depend on the whole episode. It is played twice, as its memories may be too many.
    slots, largest = _extent(filter(None, episode()))
    trail = np.empty((steps + 1, *first.rows.shape), np.float32)
    for now, look in enumerate(filter(None, episode())):
        trail[now] = look.rows  # those before the first step are not shown
        rows = dict(zip(look.names, trail[1 : now + 1].swapaxes(0, 1), strict=True))
        yield Trace(
            steps=steps, rows=rows, memory=look.memory, links=look.links, slots=slots, largest=largest
        )


def _extent(looks: Iterator[_Look]) -> tuple[NDArray[np.intp], float]:
    """Return the slots that heads use in an episode, and the largest magnitude in them."""
    next(looks)  # before the first step
    weights, magnitudes = [], []
    for look in looks:
        weights.append(look.rows[: look.heads].max(axis=0))
        magnitudes.append(np.abs(look.memory).max(axis=1) if look.memory is not None else 0 * weights[-1])
    peaks = np.max(weights, axis=0)
    slots = np.flatnonzero(peaks >= USED * peaks.max())
    return slots, float(np.max(magnitudes, axis=0)[slots].max()) or 1.0


def play(
    agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, mode: str, fps: float, console: Console
) -> None:
    """Show the episode on a console (``ansi``) or in a window (``human``).

    Each picture is drawn over the one before, as far as the terminal reaches, and the last one is shown
    whole. A console that is no terminal gets the last one alone.
    """
    if mode == "human":
        window = Window()
        try:
            for frame in frames(agent, env_id, sizes, key, "rgb_array"):
                window.show(frame, fps)
            time.sleep(2)
        finally:
            window.close()
        return
    shown = frames(agent, env_id, sizes, key, mode)
    if not console.is_terminal:
        console.print(*deque(shown, maxlen=1), markup=False, highlight=False, soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for frame in shown:
            live.update(Text(frame, no_wrap=True), refresh=True)
            time.sleep(1 / fps)


def record(
    agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, paths: Sequence[Path], fps: float
) -> None:
    """Write the episode as GIFs, and its last step as PNGs.

    Raises:
        ValueError: If the name of a file ends in neither ``.gif`` nor ``.png``.
        OSError: If a file cannot be written.
    """
    from PIL import Image  # of the extra `render`

    for path in paths:
        if path.suffix not in (".gif", ".png"):
            raise ValueError(f"{path} is neither a .gif nor a .png")
        check_writable(path)
    played = map(Image.fromarray, frames(agent, env_id, sizes, key, "rgb_array"))
    animated = any(path.suffix == ".gif" for path in paths)
    shown = list(played if animated else deque(played, maxlen=1))  # a long episode has many pictures
    for path in paths:
        if path.suffix == ".png":
            _write(path, shown[-1], optimize=True)
    if not animated:
        return
    both = np.concatenate([shown[len(shown) // 2], shown[-1]])  # the last one has no mark at the current step
    palette = Image.fromarray(both).quantize(64)
    first, *others = (image.quantize(palette=palette, dither=Image.Dither.NONE) for image in shown)
    durations = np.full(len(shown), round(1000 / fps)).tolist()
    durations[-1] = 2500
    for path in paths:
        if path.suffix == ".gif":
            _write(
                path, first, save_all=True, append_images=others, duration=durations, loop=0, optimize=True
            )


def _write(path: Path, image: Image.Image, **options: Any) -> None:
    """Write an image in the format of the name of its file, with Pillow's options of that format."""
    file = io.BytesIO()
    image.save(file, format=path.suffix[1:], **options)
    write_atomically(path, file.getvalue())
