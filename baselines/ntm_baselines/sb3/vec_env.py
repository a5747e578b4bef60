"""The vector environment of the tasks as one of Stable-Baselines3.

Shape letters: B environments, I input channels, O output channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

Infos = list[dict[str, Any]]


class SequenceVecEnv(VecEnv):
    """A vector environment of many episodes of a task, each step a few NumPy operations for all of them.

    Stable-Baselines3 takes environments of its own kind alone. This one equals its `DummyVecEnv` of the
    same single environments, step for step, and is many times as fast: row i has seed ``seed + i``, rows that
    end begin anew in the same step, and the last information of an episode has its `terminal_observation`.
    Only the information of the steps between is shorter: it has the `target` and `mask` of `reveal_target`.

    Args:
        env_id: Id of an environment, such as ``ntm_envs/Copy-v0``.
        num_envs: Number of environments B.
        **arguments: Sizes and parameters of the task, as for `gym.make_vec`.

    Raises:
        TypeError: If an argument is unknown.
        ValueError: If a value is out of range.
    """

    def __init__(self, env_id: str, num_envs: int, **arguments: Any) -> None:
        self.env: Any = gym.make_vec(env_id, num_envs=num_envs, autoreset_mode="SameStep", **arguments)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)
        self._actions: NDArray[Any] | None = None

    def reset(self) -> NDArray[np.float32]:
        """Start all episodes anew and return their first observations ``[B, I]``.

        Seeds and options that were set (`seed`, `set_options`) are used once.

        Raises:
            ValueError: If rows have options of different names, or different ranges of sizes.
        """
        seeded = any(seed is not None for seed in self._seeds)
        names = {frozenset(options) for options in self._options}
        if len(names) > 1:
            raise ValueError(f"rows have options of different names, {self._options}; give all the same")
        options: dict[str, Any] = {}
        for name in next(iter(names)):
            options[name] = [row[name] for row in self._options]
            if any(isinstance(value, tuple) for value in options[name]):  # a range holds for all rows
                if len(ranges := set(options[name])) > 1:
                    raise ValueError(f"rows have different ranges of {name}, {ranges}; give all the same")
                options[name] = options[name][0]
        observations, info = self.env.reset(seed=self._seeds if seeded else None, options=options or None)
        self.reset_infos = _unbatched(info, np.arange(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        return cast("NDArray[np.float32]", observations)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state of all rows; see :meth:`ntm_envs.vector_env.SequenceVectorEnv.state`."""
        state: dict[str, NDArray[Any]] = self.env.unwrapped.state()
        return state

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a state; see :meth:`ntm_envs.vector_env.SequenceVectorEnv.restore`."""
        _, info = self.env.unwrapped.restore(state)
        self.reset_infos = _unbatched(info, np.arange(self.num_envs))
        self._reset_seeds()
        self._reset_options()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take actions ``[B, O]``, which `step_wait` uses."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], Infos]:
        """Return observations ``[B, I]``, rewards ``[B]``, which rows are over ``[B]``, and information."""
        observations, rewards, terminated, truncated, info = self.env.step(self._actions)
        over = terminated | truncated
        cut = (truncated & ~terminated).tolist()
        infos: Infos = [{"TimeLimit.truncated": row} for row in cut]
        if "target" in info:  # with `reveal_target`, at every step
            every = {name: info[name] for name in ("target", "mask")}
            for own, revealed in zip(infos, _unbatched(every, np.arange(self.num_envs)), strict=True):
                own |= revealed
        if over.any():
            rows = np.flatnonzero(over)
            last, first = _unbatched(info["final_info"], rows), _unbatched(info, rows)
            for row, end, start in zip(rows.tolist(), last, first, strict=True):
                infos[row] |= end
                infos[row]["terminal_observation"] = info["final_obs"][row]
                self.reset_infos[row] = start
        return observations, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Release the environment's resources."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Return an attribute of the environment, which is the same for all rows."""
        return [getattr(self.env.unwrapped, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Raise an error: rows have nothing of their own."""
        raise NotImplementedError(f"{attr_name} cannot be set: all rows share one environment")

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: int | Iterable[int] | None = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Raise an error: rows have nothing of their own."""
        raise NotImplementedError(f"{method_name} cannot be called: all rows share one environment")

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: int | Iterable[int] | None = None
    ) -> list[bool]:
        """Return that no row is wrapped."""
        return [False] * len(list(self._get_indices(indices)))


class StepRewards(VecEnvWrapper):
    """A wrapper with a reward from -1 to 1 for each answer step, whatever their number in the episode.

    The reward of an environment is a share of the episode's: a bit of a long episode is worth little, and its
    advantage is lost in the noise of those of short episodes.

    Args:
        venv: A `SequenceVecEnv`, which others may be wrapped around.

    Raises:
        TypeError: If it is another vector environment, which does not tell the number of answer steps.
    """

    def __init__(self, venv: VecEnv) -> None:
        if not isinstance(venv, VecEnv) or not isinstance(venv.unwrapped, SequenceVecEnv):
            raise TypeError(f"venv is {venv!r}; expected a SequenceVecEnv, or a wrapper around one")
        super().__init__(venv)

    def reset(self) -> Any:
        """Start all episodes anew; see :meth:`SequenceVecEnv.reset`."""
        return self.venv.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take actions ``[B, O]``, and look up the divisors of their episodes' rewards."""
        (self._answer_steps, *_) = self.venv.get_attr("answer_steps")
        self.venv.step_async(actions)

    def step_wait(self) -> Any:
        """Finish a step; see :meth:`SequenceVecEnv.step_wait`."""
        observations, rewards, over, infos = self.venv.step_wait()
        return observations, rewards * self._answer_steps.astype(np.float32), over, infos


def _unbatched(info: dict[str, Any], rows: NDArray[np.intp]) -> Infos:
    """Return the information of some rows, all of which have it, one by one; Gymnasium has arrays."""
    names = [name for name in info if not name.startswith(("_", "final_"))]
    columns = [info[name][rows].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
