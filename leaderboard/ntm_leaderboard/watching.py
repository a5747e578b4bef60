"""Shows one episode: in the terminal, in a window, or as a GIF."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import ntm_envs
from ntm_envs.agent import Agent


def frames(
    agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, render_mode: str, fps: float
) -> Iterator[Any]:
    """Play the episode of a key and yield what the environment renders, before and after each step."""
    arguments: dict[str, Any] = {"actions": agent.outputs, **sizes}
    env = gym.make(env_id, render_mode=render_mode, **arguments)
    try:
        env.unwrapped.metadata["render_fps"] = fps  # how fast the window shows steps
        observation, _ = env.reset(options={"key": key})
        agent.begin(1, ntm_envs.capacity(env.unwrapped.task.steps(**sizes)), seed=0)  # type: ignore[attr-defined]
        yield env.render()
        over = False
        while not over:
            observation, _, over, _, _ = env.step(agent.act(observation[None])[0])
            yield env.render()
    finally:
        env.close()


def play(agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, mode: str, fps: float) -> None:
    """Show the episode in the terminal (``ansi``) or in a window (``human``)."""
    height = 0
    for frame in frames(agent, env_id, sizes, key, mode, fps):
        if mode == "ansi":
            # The new picture is drawn over the old one.
            print(f"\x1b[{height}A\x1b[J" if height else "", frame, sep="", flush=True)
            height = frame.count("\n") + 1
            time.sleep(1 / fps)
    if mode == "human":
        time.sleep(2)


def record(agent: Agent, env_id: str, sizes: Mapping[str, int], key: int, path: Path, fps: float) -> None:
    """Write the episode as a GIF, or its last moment as a PNG.

    Raises:
        ValueError: If the file's name ends with neither.
    """
    from PIL import Image  # of the extra `render`

    if path.suffix not in (".gif", ".png"):
        raise ValueError(f"{path} is neither a .gif nor a .png")
    shown = [Image.fromarray(f) for f in frames(agent, env_id, sizes, key, "rgb_array", fps)]
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        shown[-1].save(path, optimize=True)
        return
    palette = shown[-1].quantize(64)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in shown]
    durations = np.full(len(images), round(1000 / fps)).tolist()
    durations[-1] = 2500
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True)
