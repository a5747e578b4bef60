"""Checks the classic tasks with libraries that are too heavy for tests: TorchRL, Gymnasium's videos.

    .venv/bin/pip install torchrl moviepy
    .venv/bin/python benchmarks/other_code.py

Prints a line for each task, and stops at the first error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import imageio_ffmpeg
import numpy as np
import torch
from gymnasium.spaces import Discrete, MultiBinary
from gymnasium.wrappers import RecordVideo, TransformAction
from torchrl.envs import GymEnv, GymWrapper, RewardSum, SerialEnv, StepCounter, TransformedEnv
from torchrl.envs.utils import check_env_specs

from ntm_envs import tasks

SEED = 3


def for_torchrl(env_id: str) -> GymWrapper:
    """Return an environment of TorchRL, which treats an action of one bit as a number."""
    env = gym.make(env_id)
    if env.action_space != MultiBinary(1):
        return GymEnv(env_id)
    return GymWrapper(TransformAction(env, lambda action: np.array([action], np.int8), Discrete(2)))


def torchrl_single(env_id: str) -> str:
    """Play an episode; its rewards must be those of the environment itself."""
    env = TransformedEnv(for_torchrl(env_id), StepCounter())
    env.append_transform(RewardSum())
    check_env_specs(env)
    env.set_seed(SEED, static_seed=True)
    played = env.rollout(10_000)
    assert played["next", "done"][-1]
    own = gym.make(env_id)
    own.reset(seed=SEED)  # as set_seed does; the rollout then resets once more
    own.reset()
    actions = np.reshape(env.action_spec.to_numpy(played["action"]), (len(played), -1))
    rewards = [own.step(action)[1] for action in actions.astype(np.int8)]
    assert torch.allclose(played["next", "reward"][:, 0], torch.tensor(rewards, dtype=torch.float32))
    assert torch.allclose(played["next", "episode_reward"][-1], torch.tensor(sum(rewards)).float())
    return f"an episode of {len(rewards)} steps"


def torchrl_vector(env_id: str) -> str:
    """Play beyond the ends of episodes.

    `GymEnv(env_id, num_envs=3)` would expect at every step the information that `reset` returns.
    """
    played = SerialEnv(3, lambda: for_torchrl(env_id)).rollout(200, break_when_any_done=False)
    assert played.batch_size == (3, 200)
    return f"{int(played['next', 'done'].sum())} episodes of 3 environments"


def video(env_id: str) -> str:
    """Record a video of an episode; it must have a picture for each step, and one before."""
    with tempfile.TemporaryDirectory() as folder:
        env = RecordVideo(gym.make(env_id, render_mode="rgb_array"), folder)
        env.action_space.seed(SEED)
        env.reset(seed=SEED)
        steps, over = 0, False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            steps, over = steps + 1, terminated or truncated
        env.close()  # type: ignore[no-untyped-call]
        (file,) = Path(folder).glob("*.mp4")
        pictures, seconds = imageio_ffmpeg.count_frames_and_secs(str(file))
        assert pictures == steps + 1
        return f"a video of {pictures} pictures, {seconds:.1f} s"


def main() -> None:
    """Run all checks on every task."""
    checks: tuple[Callable[[str], str], ...] = (torchrl_single, torchrl_vector, video)
    for row in tasks.suite("classic"):
        print(f"{row.env_id}: " + "; ".join(check(row.env_id) for check in checks), flush=True)


if __name__ == "__main__":
    main()
