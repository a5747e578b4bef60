"""The vector environment of all tasks: a step of thousands of episodes is a few NumPy operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Actions, NumberedAnswers
from ntm_envs.episode_store import EpisodeStore, Rows
from ntm_envs.interactive_store import InteractiveStore
from ntm_envs.restoring import check_form, check_range
from ntm_envs.spaces import as_options, check_reveal, observation_space, requested, resolve
from ntm_envs.tasks import InteractiveTask, SequenceTask, Size, Task
from ntm_envs.tasks.sizes import Integers, is_whole

Observations = NDArray[np.float32]
Flags = NDArray[np.bool_]
ALL = slice(None)


class SequenceVectorEnv(VectorEnv[Observations, NDArray[Any], NDArray[Any]]):
    """A vector environment that plays many episodes of a task in parallel.

    Row i behaves exactly like a :class:`ntm_envs.env.SequenceEnv` with the seed ``seed + i``. Spaces, rewards
    and information are batched as in Gymnasium's `SyncVectorEnv`. Returned arrays are never modified later.

    Sizes in options of `reset` are integers or ranges ``(low, high)`` for all rows, or lists or arrays
    ``[num_envs]`` with one integer per row. Keys have the same form, without ranges.

    Shape letters: B environments, I input channels, O symbols and L probabilities per answer.
    """

    def __init__(
        self,
        task: str | Task,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        actions: Actions = "answers",
        reveal_target: bool = False,
        render_mode: None = None,
        max_episode_steps: int | None = None,
        **arguments: Any,
    ) -> None:
        """Create a vector environment.

        Args:
            task: A task, or a name from the task table. A name makes the training range the default sizes.
            num_envs: Number of environments B.
            autoreset_mode: ``NextStep``, ``SameStep`` or ``Disabled``.
            actions: The form of actions: ``answers``, ``multidiscrete``, ``discrete`` or ``probabilities``.
            reveal_target: If True, the information of each step contains the targets and the mask.
            render_mode: Always None; only the single environment renders.
            max_episode_steps: Number of steps after which an episode is truncated, as by `gym.make`; None
                truncates no episode.
            **arguments: Sizes of episodes and, if `task` is a name, parameters of the task.

        Raises:
            TypeError: If an argument is unknown or missing.
            ValueError: If a value is out of range.
        """
        self.task, self.sizes = resolve(task, arguments, num_envs)
        check_reveal(self.task, reveal_target)
        if max_episode_steps is not None and not (is_whole(max_episode_steps) and max_episode_steps > 0):
            raise ValueError(
                f"max_episode_steps is {max_episode_steps!r}; expected an integer of at least 1, or None"
            )
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*modes, *AutoresetMode):
            raise ValueError(f"autoreset_mode is {autoreset_mode!r}; expected one of {', '.join(modes)}")
        if render_mode is not None:
            raise ValueError(f"render_mode is {render_mode!r}; expected None, as only SequenceEnv renders")
        self.num_envs = num_envs = int(num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode(autoreset_mode), "render_modes": []}
        self.single_observation_space = observation_space(self.task)
        self._answers = self.task.answers
        self.single_action_space = self._answers.space(actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mode = self.metadata["autoreset_mode"]
        self._numbered = NumberedAnswers(self._answers) if actions == "discrete" else None
        self._probabilities = actions == "probabilities"
        self._reveal = reveal_target
        self._store = _store(self.task, self.sizes, num_envs)
        self._begun = False
        self._over: Flags = np.zeros(num_envs, np.bool_)
        self._most_steps = max_episode_steps
        self._elapsed = np.zeros(num_envs, np.int64)  # counted only if there is a limit

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Start new episodes; see :meth:`ntm_envs.env.SequenceEnv.reset`.

        Args:
            seed: Seeds of new streams of episodes. An integer gives row i the seed ``seed + i``; a sequence
                gives each row its own.
            options: `key` and sizes for these episodes only, and `reset_mask` (bool ``[num_envs]``). Rows
                outside the mask continue their episodes.

        Raises:
            TypeError: If an option is unknown or of the wrong type. Like all errors of this method, it leaves
                the environment unchanged.
            ValueError: If an option has the wrong shape or is out of range.
            gymnasium.error.Error: If a seed is not a non-negative integer.
        """
        options = as_options(options)
        rows = self._rows(options.pop("reset_mask", None))
        keys, sizes = requested(self.task, self.sizes, options, self.num_envs, rows)
        seeded, streams = self._streams(seed, rows)
        super().reset(seed=seed if isinstance(seed, int) else None)
        self._store.seed(seeded, streams)
        if options:
            self._store.begin_requested(rows, keys, sizes)
        else:
            self._store.advance(rows)
        self._begun = True
        self._over[rows], self._elapsed[rows] = False, 0
        return self._store.observations(), self._batched_info(rows)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observations, NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """Take one step in every row; see :meth:`ntm_envs.env.SequenceEnv.step`.

        In autoreset mode ``NextStep``, a row whose episode is over ignores its action and starts the next
        episode.

        Raises:
            ResetNeeded: If `reset` has never been called, or autoreset is disabled and an episode is over.
            ValueError: If the actions have the wrong shape or values. All episodes are left unchanged.
        """
        if not self._begun:
            raise ResetNeeded("no episode has started; call reset() first")
        ended = self._over.nonzero()[0]
        if len(ended):
            if self._mode == AutoresetMode.DISABLED:
                raise ResetNeeded(f"the episode of row {ended[0]} is over; call reset() with a reset_mask")
            actions = self._without_ended(actions, ended)
        probabilities = None
        if self._probabilities:
            probabilities = self._answers.check_probabilities(actions, (self.num_envs,))
            packed = self._answers.pack(self._answers.decode(probabilities))
        elif self._numbered is not None:
            packed = self._answers.pack(self._numbered.answer(actions, (self.num_envs,)))
        else:
            packed = self._answers.check_and_pack(actions, self.num_envs)
        rewards, terminated = self._store.step(packed, probabilities)
        truncated: Flags = np.zeros(self.num_envs, np.bool_)
        if self._most_steps is not None:
            self._elapsed += 1
            truncated = self._elapsed >= self._most_steps
        if len(ended):
            terminated[ended], truncated[ended], rewards[ended] = False, False, 0
        over = terminated | truncated
        beginning, final = ended, {}
        if self._mode == AutoresetMode.SAME_STEP:
            beginning = over.nonzero()[0]
            final = self._final(beginning) if len(beginning) else {}
        else:
            self._over = over
        if len(beginning):
            self._store.advance(beginning)
            self._elapsed[beginning] = 0
        return self._store.observations(), rewards, terminated, truncated, final | self._batched_info(ALL)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return where all rows are, as arrays by name, the rows in dimension 0: what `restore` takes.

        Raises:
            ResetNeeded: Before the first `reset`.
        """
        if not self._begun:
            raise ResetNeeded("the episodes have not begun; call reset() first")
        return self._state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> tuple[Observations, dict[str, Any]]:
        """Go on where an environment of the same task, sizes and number of rows was.

        Args:
            state: What its `state` returned. From here on, equal actions have equal results.

        Returns:
            The present observations, and keys and sizes of the present episodes.

        Raises:
            ValueError: If a part is missing, unknown, of another dtype or shape, or out of range. The
                environment is left unchanged.
        """
        check_form(state, self._state())
        ended, elapsed = state["ended"], state.get("elapsed", self._elapsed)
        if self._mode == AutoresetMode.SAME_STEP:
            check_range("ended", ended, 0, 0)
        if self._most_steps is not None:
            check_range("elapsed", elapsed, 0, self._most_steps)
        sizes = {name: state[name] for name in self.task.limits}
        options = {"key": state["episode_key"], **sizes}
        requested(self.task, self.sizes, options, self.num_envs, np.arange(self.num_envs))
        self._store.restore(state)
        self._over, self._elapsed, self._begun = ended.copy(), elapsed.copy(), True
        return self._store.observations(), self._batched_info(ALL)

    @property
    def answer_steps(self) -> Integers:
        """The number of scored steps of the current episodes ``[B]``, by which rewards are divided."""
        return self._store.answer_steps.copy()

    def _state(self) -> dict[str, NDArray[Any]]:
        """Return what `state` returns, also before the first `reset`."""
        state = {**self._store.state(), "ended": self._over.copy()}
        return state if self._most_steps is None else {**state, "elapsed": self._elapsed.copy()}

    def _rows(self, reset_mask: Any) -> Integers:
        """Return the indices of the rows that a `reset_mask` selects; all rows if it is None."""
        if reset_mask is None:
            return np.arange(self.num_envs)
        mask = np.asarray(reset_mask)
        if mask.dtype != np.bool_ or mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"reset_mask is {reset_mask!r}; expected bools of shape ({self.num_envs},), at least one True"
            )
        if not self._begun and not mask.all():
            raise ResetNeeded("no episode has started; call reset() without a reset_mask first")
        return np.flatnonzero(mask)

    def _streams(
        self, seed: int | Sequence[int | None] | None, rows: Integers
    ) -> tuple[Integers, keyed.Keys]:
        """Return the rows that have a seed, or no stream yet, and new streams for them."""
        if seed is None:
            missing = np.arange(0 if self._begun else self.num_envs)
            return missing, self.np_random.integers(2**63, size=len(missing), dtype=np.int64)
        seeds: Any = seed
        if np.ndim(seeds) == 0:
            seeding.np_random(seeds)  # raises an error unless it is a seed
            seeds = range(seeds, seeds + self.num_envs)
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} elements; expected one for each of {self.num_envs} rows")
        seeded = [row for row in rows.tolist() if seeds[row] is not None or not self._begun]
        generators = [seeding.np_random(seeds[row])[0] for row in seeded]
        streams = [int(generator.integers(2**63, dtype=np.int64)) for generator in generators]
        return np.array(seeded, np.int64), np.array(streams, np.int64)

    def _without_ended(self, given: Any, ended: Integers) -> NDArray[Any]:
        """Return the actions with valid placeholders in rows that have ended, whose actions are ignored."""
        actions: NDArray[Any] = np.array(given)
        if not self._probabilities and actions.shape[:1] == (self.num_envs,):
            actions[ended] = 0
        if self._probabilities and actions.shape == self.action_space.shape and actions.dtype.kind in "biuf":
            actions = actions.astype(np.promote_types(actions.dtype, np.float32))
            actions[ended] = self._answers.uniform_probabilities
        return actions

    def _batched_info(self, rows: Rows) -> dict[str, Any]:
        """Return the information about the episodes of some rows so far.

        It has Gymnasium's format for vectors: an array ``name``, and its mask ``_name``.
        """
        values = self._store.episodes(rows) | self._store.totals(rows, self._probabilities)
        if self._reveal:
            values |= self._store.revealed(rows)
        there = np.zeros(self.num_envs, np.bool_)
        there[rows] = True
        info: dict[str, Any] = {}
        for name, own in values.items():
            info[name], info[f"_{name}"] = np.zeros((self.num_envs, *own.shape[1:]), own.dtype), there
            info[name][rows] = own
        return info

    def _final(self, rows: Integers) -> dict[str, Any]:
        """Return the last observations and information of rows that are about to be reset."""
        last, observations = self._store.observations(), np.full(self.num_envs, None, dtype=object)
        for row in rows.tolist():
            observations[row] = last[row].copy()
        there = np.zeros(self.num_envs, np.bool_)
        there[rows] = True
        return {
            "final_obs": observations,
            "_final_obs": there,
            "final_info": self._batched_info(rows),
            "_final_info": there.copy(),
        }


def _store(task: Task, sizes: dict[str, Size], rows: int) -> EpisodeStore | InteractiveStore:
    """Return the store that holds the episodes of a task."""
    if isinstance(task, InteractiveTask):
        return InteractiveStore(task, sizes, rows)
    assert isinstance(task, SequenceTask)
    return EpisodeStore(task, sizes, rows)
