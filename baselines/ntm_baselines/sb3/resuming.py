"""The state of an algorithm of Stable-Baselines3 between two updates, as tensors and JSON-able values.

Stable-Baselines3 saves no environments, and pickles the rest. The next rollout and update
depend on little, however: the policy and its optimizer, the observations, the state of a recurrent policy,
the episodes in flight, and the generators of Python, NumPy and torch. An episode in flight is its key, sizes
and its present step; one that reacts to actions has the arrays of its state as well. Of wrappers,
`VecMonitor` has the returns and lengths so far, and `VecFrameStack` the last observations. The generator of
the action space is not used by on-policy algorithms.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecMonitor, unwrap_vec_wrapper
from torch import Tensor

from ntm_agents.protocol import mapped, tensors
from ntm_agents.training.checkpoint import named, part
from ntm_baselines.sb3.vec_env import SequenceVecEnv

Generators: TypeAlias = dict[str, Any]
"""States of the generators of Python, NumPy and torch, JSON-able but for the last."""


def play_tensors(algorithm: OnPolicyAlgorithm) -> dict[str, Tensor]:
    """Return the state of an algorithm's episodes before a rollout."""
    env = cast("VecEnv", algorithm.env)
    arrays: dict[str, NDArray[Any]] = named("env", cast("SequenceVecEnv", env.unwrapped).state())
    arrays["seen"] = cast("NDArray[Any]", algorithm._last_obs)
    arrays["starts"] = cast("NDArray[Any]", algorithm._last_episode_starts)
    monitor = unwrap_vec_wrapper(env, VecMonitor)
    if monitor is not None:
        arrays["returns"], arrays["lengths"] = monitor.episode_returns, monitor.episode_lengths
    stack = unwrap_vec_wrapper(env, VecFrameStack)
    if stack is not None:
        arrays["frames"] = stack.stacked_obs.stacked_obs
    found = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    if hasattr(algorithm, "carried"):
        found |= named("carried", dict(tensors(algorithm.carried)))
    return found


def restore_play(algorithm: OnPolicyAlgorithm, found: Mapping[str, Tensor]) -> None:
    """Restore the state that `play_tensors` returned, in a new environment of the same sizes.

    Raises:
        KeyError: If something other than a part of the environment is missing.
        ValueError: If the environment refuses its state.
    """
    env = cast("VecEnv", algorithm.env)
    arrays: dict[str, NDArray[Any]] = {
        name: tensor.numpy() for name, tensor in found.items() if not name.startswith("carried.")
    }
    cast("SequenceVecEnv", env.unwrapped).restore(part(arrays, "env"))
    algorithm._last_obs, algorithm._last_episode_starts = arrays["seen"], arrays["starts"]
    if (monitor := unwrap_vec_wrapper(env, VecMonitor)) is not None:
        monitor.episode_returns, monitor.episode_lengths = arrays["returns"], arrays["lengths"]
    if (stack := unwrap_vec_wrapper(env, VecFrameStack)) is not None:
        stack.stacked_obs.stacked_obs = arrays["frames"]
    if hasattr(algorithm, "carried"):
        carried: Iterator[Tensor] = iter(
            found[f"carried.{name}"].to(algorithm.device) for name, _ in tensors(algorithm.carried)
        )
        algorithm.carried = mapped(lambda _: next(carried), algorithm.carried)


def generators() -> Generators:
    """Return the states of the generators that Stable-Baselines3 draws from."""
    version, numbers, gauss = random.getstate()
    name, keys, *others = np.random.get_state()  # noqa: NPY002
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, np.asarray(keys).tolist(), *others],
        "torch": torch.get_rng_state(),
    }


def set_generators(states: Generators) -> None:
    """Set the generators to states that `generators` returned, also if they went through JSON."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *others = states["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *others))  # noqa: NPY002
    torch.set_rng_state(states["torch"])
