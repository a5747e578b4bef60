"""Episodes of the single environment, stored so that single steps are fast.

Sequence tasks and interactive tasks have one class each, with the same methods: `begin` returns the first
observation, and `step` takes an action. Errors are counted in `info` as they happen, so that the information
of a step is a copy of one dictionary.

Shape letters: T time steps, I input channels, O symbols and L probabilities per answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Answers
from ntm_envs.tasks import InteractiveTask, SequenceTask, Size, Task
from ntm_envs.tasks.base import Batch

Observation = NDArray[np.float32]
LOOKAHEAD_BYTES = 8 * 2**20
"""Memory for episodes that are generated ahead of time, as a batch costs little more than one episode."""


class SequenceEpisode:
    """An episode of a sequence task.

    Attributes:
        steps: Number of steps T.
        inputs: Observations ``[T, I]``.
        info: Key and sizes of the episode; ``wrong_symbols`` and, if actions are probabilities,
            ``cost_in_bits`` so far.
        now: Number of steps taken so far.
    """

    rewards: None = None  # renderings derive them from the targets

    def __init__(
        self,
        answers: Answers,
        inputs: Observation,
        targets: NDArray[Any],
        mask: list[bool],
        info: dict[str, Any],
    ) -> None:
        self.steps, self.inputs, self.info, self.now = len(inputs), inputs, info, 0
        self._answers, self._mask = answers, mask
        self._targets, self._width = targets.tobytes(), targets.itemsize * targets.shape[1]
        self._max_credit = answers.max_credit(sum(mask) or 1)
        self._perfect = answers.width / self._max_credit

    def begin(self) -> Observation:
        """Return the first observation ``[I]``."""
        first: Observation = self.inputs[0].copy()
        return first

    def step(self, code: bytes, probabilities: NDArray[Any] | None) -> tuple[Observation, float, bool]:
        """Grade the answer to the current observation and advance by one step.

        Args:
            code: The answer, as :meth:`Answers.encode` returns it.
            probabilities: The probabilities ``[L]`` of the action, for the cost in bits; None for answers.

        Returns:
            The next observation ``[I]``, the reward, and whether the episode is over.
        """
        now, reward = self.now, 0.0
        if self._mask[now]:
            target = self._targets[now * self._width : (now + 1) * self._width]
            if code == target:
                reward = self._perfect
            else:
                wrong, credit = self._answers.grade_bytes(code, target)
                self.info["wrong_symbols"] += wrong
                reward = credit / self._max_credit
            if probabilities is not None:
                symbols = np.frombuffer(target, self._answers.dtype)
                self.info["cost_in_bits"] += float(self._answers.cost_in_bits(probabilities, symbols))
        self.now = now = now + 1
        if now == self.steps:
            return np.zeros_like(self.inputs[0]), reward, True
        return self.inputs[now].copy(), reward, False

    def revealed(self) -> dict[str, Any]:
        """Return the target ``[O]`` and the mask of the current observation; zeros after the last step."""
        if self.now == self.steps:
            return {"target": np.zeros(self._answers.width, self._answers.dtype), "mask": False}
        return {"target": self.targets[self.now].copy(), "mask": self._mask[self.now]}

    @property
    def targets(self) -> NDArray[Any]:
        """The targets ``[T, O]``."""
        return np.frombuffer(self._targets, self._answers.dtype).reshape(self.steps, -1)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The scored steps, bool ``[T]``."""
        return np.array(self._mask)


class InteractiveEpisode:
    """An episode of an interactive task, with the attributes of :class:`SequenceEpisode`."""

    targets: None = None

    def __init__(self, task: InteractiveTask, key: int, sizes: Mapping[str, Size]) -> None:
        keys = keyed.as_keys(key)
        drawn = task.draw_sizes(keys, task.check_sizes(sizes, 1))
        self._task, self._state = task, task.begin(keys, drawn)
        self.steps = int(task.max_steps(drawn)[0])
        self.info = {"episode_key": int(keys[0])} | {name: int(size[0]) for name, size in drawn.items()}
        self.info["wrong_symbols"] = self._wrong()
        self.now, self._seen, self._rewards = 0, [task.observe(self._state)[0]], list[float]()

    def begin(self) -> Observation:
        """See :meth:`SequenceEpisode.begin`."""
        first: Observation = self._seen[0].copy()
        return first

    def step(self, code: bytes, probabilities: NDArray[Any] | None) -> tuple[Observation, float, bool]:
        """See :meth:`SequenceEpisode.step`."""
        answer = np.frombuffer(code, self._task.answers.dtype)[None]
        rewards, over = self._task.act(self._state, answer)
        self.now += 1
        self.info["wrong_symbols"] = self._wrong()
        observation = np.zeros_like(self._seen[0]) if over[0] else self._task.observe(self._state)[0]
        self._rewards.append(float(rewards[0]))
        if over[0]:
            self.steps = self.now
        else:
            self._seen.append(observation)
        return observation.copy(), float(rewards[0]), bool(over[0])

    def revealed(self) -> dict[str, Any]:
        """Return an empty dictionary, as there are no targets."""
        return {}

    @property
    def inputs(self) -> Observation:
        """The observations so far, ``[now + 1, I]``; ``[T, I]`` if the episode is over."""
        return np.array(self._seen)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The steps so far with a non-zero reward, bool ``[now]``."""
        rewarded: NDArray[np.bool_] = self.rewards != 0
        return rewarded

    @property
    def rewards(self) -> NDArray[np.float64]:
        """The rewards so far, ``[now]``."""
        return np.array(self._rewards, np.float64)

    def _wrong(self) -> int:
        """Return the number of wrong and missing symbols so far."""
        return int(self._task.count_wrong(self._state)[0])


Episode = SequenceEpisode | InteractiveEpisode


def lookahead(task: Task, longest: int) -> int:
    """Return the number of episodes to generate at a time, if the longest has ``longest`` steps."""
    if not isinstance(task, SequenceTask):
        return 1
    return max(1, min(64, LOOKAHEAD_BYTES // (longest * task.step_bytes)))


def make(task: Task, keys: keyed.Keys, sizes: Mapping[str, Size], probabilities: bool) -> Iterator[Episode]:
    """Yield the episode of each key; `probabilities` says whether actions are."""
    if isinstance(task, InteractiveTask):
        yield from (InteractiveEpisode(task, key, sizes) for key in keys.tolist())
        return
    assert isinstance(task, SequenceTask)
    totals: dict[str, Any] = {"wrong_symbols": 0} | ({"cost_in_bits": 0.0} if probabilities else {})
    yield from _of_batch(task.answers, task.episodes(keys, **sizes), totals)


def _of_batch(answers: Answers, batch: Batch, totals: Mapping[str, Any]) -> Iterator[SequenceEpisode]:
    """Yield the episodes of a batch without its padding."""
    inputs, targets = batch.inputs.transpose(1, 0, 2), batch.targets.transpose(1, 0, 2)
    columns = {"episode_key": batch.keys.tolist()}
    columns |= {name: size.tolist() for name, size in batch.sizes.items()}
    infos = [
        {**dict(zip(columns, row, strict=True)), **totals} for row in zip(*columns.values(), strict=True)
    ]
    masks = batch.mask.T.tolist()
    for i, steps in enumerate(batch.steps.tolist()):
        yield SequenceEpisode(answers, inputs[i, :steps], targets[i, :steps], masks[i][:steps], infos[i])
