"""One Gymnasium environment for every task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from ntm_envs import grading, keyed
from ntm_envs.agent import Outputs
from ntm_envs.episode_store import ASIDE
from ntm_envs.rendering import Snapshot, Window, ansi, rgb_array
from ntm_envs.spaces import action_space, check_bits, check_probabilities, observation_space, resolve
from ntm_envs.tasks.base import Batch, Task

Observation = NDArray[np.float32]

BITS = b"\0\1"


class SequenceEnv(gym.Env[Observation, NDArray[Any]]):
    """Plays the episodes of a task: read a sequence, then answer it, one vector of bits at a step.

    ## Observation space
    `Box(float32)` of shape `(I,)`: the input channels of this step. Sizes do not change it.

    ## Action space
    `MultiBinary(O)`: the output channels of this step, of any real type whose values are 0 or 1. With
    `actions="probabilities"` a `Box` from 0 to 1: the bit is then p > 0.5.

    ## Rewards
    `(O - 2 wrong) / (O * answer steps)` on an answer step with that many wrong bits, otherwise 0: a
    perfect episode returns 1, one with every bit wrong -1, and coin flips 0 on average.

    ## Start and end of an episode
    `reset` returns the first input. The action that follows it is graded against the first target, and
    so on; the last step terminates, with an observation of zeros. Nothing is ever truncated.

    ## Information
    `reset` tells `episode_key` and every size: the same key and sizes are the same episode everywhere.
    The last step tells `wrong_bits` and, with probabilities, `cost_in_bits`, both of the whole episode.
    With `reveal_target=True`, `target` and `mask` come with the observation that they belong to.

    ## Arguments
    `length=40` or `length=(1, 20)`, after the task's own sizes; parameters of the task, such as
    `bits=4`; `actions`; `reveal_target`; `render_mode`. `reset(options={"key": 123, "length": 7})` plays
    that one episode and leaves the stream of episodes as it was.

    ## Version history
    * v0: the first version.
    """

    metadata = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 8}  # noqa: RUF012

    def __init__(
        self,
        task: str | Task,
        *,
        actions: Outputs = "bits",
        reveal_target: bool = False,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        """Make an environment.

        Args:
            task: A name from the table of tasks, whose training range is then the default, or a task.
            actions: Whether actions are ``bits`` or ``probabilities``.
            reveal_target: Whether the right answer is in the information that steps return.
            render_mode: ``ansi``, ``rgb_array``, ``human`` or None.
            **arguments: Sizes and, with a name, parameters of the task.

        Raises:
            TypeError: If an argument is unknown or missing.
            ValueError: If a value is out of range.
        """
        self.task, self.sizes = resolve(task, arguments)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            modes = ", ".join(self.metadata["render_modes"])
            raise ValueError(f"render_mode is {render_mode!r}; expected one of {modes}, or None")
        self.metadata = dict(self.metadata)  # so that somebody may change this one's speed of rendering
        self.render_mode = render_mode
        self.observation_space = observation_space(self.task)
        self.action_space = action_space(self.task, actions)
        self._width, self._input_size = self.task.output_size, self.task.input_size
        self._probabilities = actions == "probabilities"
        self._reveal = reveal_target
        self._window: Window | None = None
        self._stream: int | None = None
        # Episodes are made many at a time: a batch of them costs little more than one.
        self._longest = self.task.steps(**self.sizes)
        self._ahead = max(1, min(64, 2**17 // self._longest))
        self._upcoming: list[_Episode] = []  # the next one last
        self._episode: _Episode | None = None
        self._over = True
        self._now = self._wrong = 0
        self._cost = 0.0
        self._outputs: list[NDArray[np.float32]] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; see the class.

        Args:
            seed: Starts the stream of episodes that belongs to this seed.
            options: For this one episode: `key`, and sizes that replace the environment's.

        Raises:
            TypeError: If an option is unknown or of the wrong type.
            ValueError: If an option is out of range.
        """
        super().reset(seed=seed)
        if seed is not None or self._stream is None:
            self._stream = int(self.np_random.integers(2**63, dtype=np.int64))
            self._index = self._asides = 0
            self._upcoming = []
        if options:
            episode = self._aside(dict(options))
        else:
            if not self._upcoming:
                keys = self._keys(self._index, self._ahead)
                self._index += self._ahead
                self._upcoming = list(_episodes(self.task.episodes(keys, **self.sizes)))[::-1]
            episode = self._upcoming.pop()
        self._episode = episode
        self._now, self._wrong, self._cost, self._over, self._outputs = 0, 0, 0.0, False, []
        if self.render_mode == "human":
            self.render()
        info = episode.info.copy()
        return episode.inputs[0].copy(), info | self._revealed() if self._reveal else info

    def step(self, action: NDArray[Any]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the last observation; see the class.

        Raises:
            ResetNeeded: Before the first `reset`, and after the end of an episode.
            ValueError: If the action has the wrong shape or values. The episode then goes on as if it
                had not been given.
        """
        episode, now, width = self._episode, self._now, self._width
        if self._over or episode is None:
            raise ResetNeeded("the episode is over or has not begun; call reset() first")
        if self._probabilities:
            action = check_probabilities(action, (width,))
            bits = grading.to_bits(action).tobytes()
        else:
            bits = self._bits(action)
        reward = 0.0
        if episode.mask[now]:
            target = episode.targets[now * width : (now + 1) * width]
            wrong = 0
            if bits != target:
                wrong = (int.from_bytes(bits, "little") ^ int.from_bytes(target, "little")).bit_count()
                self._wrong += wrong
            reward = grading.reward(wrong, width, episode.answer_steps)
            if self._probabilities:
                self._cost += float(grading.cost_in_bits(action, np.frombuffer(target, np.int8)))
        if self.render_mode is not None:
            shown = action if self._probabilities else np.frombuffer(bits, np.int8)
            self._outputs.append(np.array(shown, np.float32))
        self._now = now = now + 1
        self._over = over = now == episode.steps
        info: dict[str, Any] = {}
        if over:
            observation = np.zeros(self._input_size, np.float32)
            info["wrong_bits"] = self._wrong
            if self._probabilities:
                info["cost_in_bits"] = self._cost
        else:
            observation = episode.inputs[now].copy()
        if self._reveal:
            info |= self._revealed()
        if self.render_mode == "human":
            self.render()
        return observation, reward, over, False, info

    def render(self) -> Any:
        """Show the episode so far: a text, a picture ``uint8 [H, W, 3]``, or a window.

        Raises:
            ResetNeeded: Before the first `reset`.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs a render_mode; make the environment with one")
            return None
        if self._episode is None:
            raise ResetNeeded("there is nothing to render yet; call reset() first")
        snapshot = self._snapshot(self._episode)
        if self.render_mode == "ansi":
            return ansi(snapshot)
        frame = rgb_array(snapshot, columns=self._longest)
        if self.render_mode == "rgb_array":
            return frame
        self._window = self._window or Window()
        self._window.show(frame, self.metadata["render_fps"])
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _keys(self, index: int, count: int) -> keyed.Keys:
        indices = np.arange(index, index + count)
        return keyed.stream_keys(np.full(count, self._stream, np.int64), indices)

    def _aside(self, options: dict[str, Any]) -> _Episode:
        """Return the one episode that options ask for."""
        if "key" in options:
            keys = keyed.as_keys(options.pop("key"))
            if len(keys) != 1:
                raise ValueError(f"options['key'] holds {len(keys)} keys; expected one")
        else:
            keys = self._keys(ASIDE + self._asides, 1)
        episode = next(_episodes(self.task.episodes(keys, **{**self.sizes, **options})))
        self._asides += 1
        return episode

    def _bits(self, action: NDArray[Any]) -> bytes:
        """Return an action of bits as one byte for each of them."""
        if type(action) is np.ndarray and action.dtype == np.int8 and action.shape == (self._width,):
            bits = action.tobytes()
            if not bits.strip(BITS):  # the fast way for what the action space itself gives
                return bits
        return check_bits(action, (self._width,)).tobytes()

    def _revealed(self) -> dict[str, Any]:
        """Return the target and the mask of the present observation."""
        episode, now, width = self._episode, self._now, self._width
        if self._over or episode is None:
            return {"target": np.zeros(width, np.int8), "mask": False}
        target = np.frombuffer(episode.targets, np.int8)[now * width : (now + 1) * width]
        return {"target": target.copy(), "mask": episode.mask[now]}

    def _snapshot(self, episode: _Episode) -> Snapshot:
        sizes = ", ".join(f"{name} {size}" for name, size in episode.info.items() if name != "episode_key")
        return Snapshot(
            title=f"{type(self.task).__name__} · {sizes}",
            input_channels=self.task.input_channels,
            output_channels=self.task.output_channels,
            inputs=episode.inputs,
            targets=np.frombuffer(episode.targets, np.int8).reshape(-1, self._width),
            mask=np.array(episode.mask),
            outputs=np.array(self._outputs, np.float32).reshape(-1, self._width),
        )


class _Episode(NamedTuple):
    """An episode in the form in which single steps are fast."""

    steps: int
    inputs: Observation
    """``[T, I]``"""
    targets: bytes
    """One byte a bit, step after step."""
    mask: list[bool]
    answer_steps: int
    info: dict[str, int]


def _episodes(batch: Batch) -> Iterator[_Episode]:
    """Yield the episodes of a batch, one after the other."""
    inputs = batch.inputs.transpose(1, 0, 2)
    targets = batch.targets.transpose(1, 0, 2)
    columns = {"episode_key": batch.keys.tolist()}
    columns |= {name: size.tolist() for name, size in batch.sizes.items()}
    infos = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    answer_steps = batch.mask.sum(axis=0).tolist()
    for i, (steps, mask) in enumerate(zip(batch.steps.tolist(), batch.mask.T.tolist(), strict=True)):
        yield _Episode(
            steps, inputs[i, :steps], targets[i, :steps].tobytes(), mask[:steps], answer_steps[i], infos[i]
        )
