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
from ntm_envs.answers import Mode
from ntm_envs.episode_store import EpisodeStore
from ntm_envs.interactive_store import InteractiveStore
from ntm_envs.spaces import check_reveal, observation_space, resolve
from ntm_envs.tasks import InteractiveTask, SequenceTask, Size, Task
from ntm_envs.tasks.sizes import Integers

Observations = NDArray[np.float32]
Flags = NDArray[np.bool_]


class SequenceVectorEnv(VectorEnv[Observations, NDArray[Any], NDArray[Any]]):
    """A vector environment that plays many episodes of a task in parallel.

    Row i behaves exactly like a :class:`ntm_envs.env.SequenceEnv` with the seed ``seed + i``. Spaces, rewards
    and information are batched as in Gymnasium's `SyncVectorEnv`. Options of `reset` may be scalars, which
    apply to all rows, or arrays ``[num_envs]``. Returned arrays are never modified later.

    Shape letters: B environments, I input channels, O symbols and L probabilities per answer.
    """

    def __init__(
        self,
        task: str | Task,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        actions: Mode = "answers",
        reveal_target: bool = False,
        render_mode: None = None,
        **arguments: Any,
    ) -> None:
        """Create a vector environment.

        Args:
            task: A task, or a name from the task table. A name makes the training range the default sizes.
            num_envs: Number of environments B.
            autoreset_mode: ``NextStep``, ``SameStep`` or ``Disabled``.
            actions: The meaning of actions, ``answers`` or ``probabilities``.
            reveal_target: If True, the information of each step contains the targets and the mask.
            render_mode: Always None; only the single environment renders.
            **arguments: Sizes of episodes and, if `task` is a name, parameters of the task.

        Raises:
            TypeError: If an argument is unknown or missing.
            ValueError: If a value is out of range.
        """
        self.task, self.sizes = resolve(task, arguments)
        check_reveal(self.task, reveal_target)
        if num_envs < 1:
            raise ValueError(f"num_envs is {num_envs}; expected at least 1")
        if render_mode is not None:
            raise ValueError(f"render_mode is {render_mode!r}; expected None, as only SequenceEnv renders")
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode(autoreset_mode), "render_modes": []}
        self.single_observation_space = observation_space(self.task)
        self._answers = self.task.answers
        self.single_action_space = self._answers.space(actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mode = self.metadata["autoreset_mode"]
        self._probabilities = actions == "probabilities"
        self._reveal = reveal_target
        self._input_size = self.task.input_size
        self._store = _store(self.task, self.sizes, num_envs)
        self._begun = False
        self._over: Flags = np.zeros(num_envs, np.bool_)

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
            TypeError: If an option is unknown or of the wrong type.
            ValueError: If an option has the wrong shape or is out of range.
        """
        super().reset(seed=seed if isinstance(seed, int) else None)
        options = dict(options or {})
        rows = self._rows(options.pop("reset_mask", None))
        keys, sizes = self._options(options, rows)
        self._seed(seed, rows)
        if options:
            self._store.begin_requested(rows, keys, sizes)
        else:
            self._store.advance(rows)
        self._begun = True
        self._over[rows] = False
        info = self._start_info(rows)
        if self._reveal:
            info |= self._revealed(rows)
        return self._store.observations(), info

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
        else:
            packed = self._answers.check_and_pack(actions, self.num_envs)
        rewards, over = self._store.step(packed, probabilities)
        if len(ended):
            over[ended], rewards[ended] = False, 0
        ending = over.nonzero()[0]
        info = self._final_info(ending) if len(ending) else {}
        beginning = ended
        if self._mode == AutoresetMode.SAME_STEP:
            beginning = ending
            if info:
                info = self._final(info, ending)
        else:
            self._over = over.copy()
        if len(beginning):
            self._store.advance(beginning)
            info |= self._start_info(beginning)
        if self._reveal:
            info |= self._revealed(np.arange(self.num_envs))
        return self._store.observations(), rewards, over, np.zeros(self.num_envs, np.bool_), info

    def state(self) -> dict[str, NDArray[Any]]:
        """Return where all rows are, as arrays by name, the rows in dimension 0: what `restore` takes.

        Raises:
            ResetNeeded: Before the first `reset`.
        """
        if not self._begun:
            raise ResetNeeded("the episodes have not begun; call reset() first")
        return {**self._store.state(), "ended": self._over.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> tuple[Observations, dict[str, Any]]:
        """Go on where an environment of the same task, sizes and number of rows was.

        Args:
            state: What its `state` returned. From here on, equal actions have equal results.

        Returns:
            The present observations, and keys and sizes of the present episodes.

        Raises:
            KeyError: If something is missing from it.
            ValueError: If it is of another number of rows.
        """
        if (rows := len(state["ended"])) != self.num_envs:
            raise ValueError(f"the state is of {rows} rows; expected {self.num_envs}")
        self._store.restore(state)
        self._over, self._begun = np.array(state["ended"], np.bool_), True
        return self._store.observations(), self._start_info(np.arange(self.num_envs))

    @property
    def answer_steps(self) -> Integers:
        """The number of scored steps of the current episodes ``[B]``, by which rewards are divided."""
        return self._store.answer_steps.copy()

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

    def _seed(self, seed: int | Sequence[int | None] | None, rows: Integers) -> None:
        """Start a new stream for each row that has a seed, or that has no stream yet."""
        if seed is None:
            if not self._begun:
                streams = self.np_random.integers(2**63, size=self.num_envs, dtype=np.int64)
                self._store.seed(np.arange(self.num_envs), streams)
            return
        seeds = range(seed, seed + self.num_envs) if isinstance(seed, int) else seed
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} elements; expected one for each of {self.num_envs} rows")
        for row in rows:
            if seeds[row] is not None or not self._begun:
                generator, _ = seeding.np_random(seeds[row])
                stream = generator.integers(2**63, size=1, dtype=np.int64)
                self._store.seed(np.array([row]), stream)

    def _options(self, options: dict[str, Any], rows: Integers) -> tuple[keyed.Keys | None, dict[str, Size]]:
        """Return the keys and the sizes that options request for the given rows."""
        chosen: dict[str, Any] = {}
        for name, value in options.items():
            array = isinstance(value, np.ndarray) and value.ndim > 0
            if array and value.shape != (self.num_envs,):
                raise ValueError(
                    f"options[{name!r}] has the shape {value.shape}; expected ({self.num_envs},) or a scalar"
                )
            chosen[name] = value[rows] if array else value
        keys = None
        if "key" in chosen:
            keys = np.broadcast_to(keyed.as_keys(chosen.pop("key")), len(rows))
        self.task.check_sizes({**self.sizes, **chosen}, len(rows))
        return keys, chosen

    def _without_ended(self, given: Any, ended: Integers) -> NDArray[Any]:
        """Return the actions with valid placeholders in rows that have ended, whose actions are ignored."""
        actions: NDArray[Any] = np.array(given)
        if not self._probabilities and actions.shape[:1] == (self.num_envs,):
            actions[ended] = 0
        if self._probabilities and actions.shape == self.action_space.shape and actions.dtype.kind in "biuf":
            actions = actions.astype(np.promote_types(actions.dtype, np.float32))
            actions[ended] = self._answers.uniform_probabilities
        return actions

    def _batched(self, values: Mapping[str, NDArray[Any]], rows: Integers) -> dict[str, Any]:
        """Return the values of some rows in Gymnasium's vector format: ``name``, and its mask ``_name``."""
        info: dict[str, Any] = {}
        for name, own in values.items():
            info[name] = np.zeros((self.num_envs, *own.shape[1:]), own.dtype)
            info[f"_{name}"] = np.zeros(self.num_envs, np.bool_)
            info[name][rows], info[f"_{name}"][rows] = own, True
        return info

    def _start_info(self, rows: Integers) -> dict[str, Any]:
        return self._batched(self._store.episodes(rows), rows)

    def _final_info(self, rows: Integers) -> dict[str, Any]:
        return self._batched(self._store.totals(rows, self._probabilities), rows)

    def _final(self, info: dict[str, Any], rows: Integers) -> dict[str, Any]:
        """Return the last observations and information of rows that were reset in the same step."""
        observations = np.full(self.num_envs, None, dtype=object)
        for row in rows.tolist():
            observations[row] = np.zeros(self._input_size, np.float32)
        if self._reveal:  # the rows are past their last steps, so targets and mask are zeros
            info |= self._revealed(rows)
        there = np.zeros(self.num_envs, np.bool_)
        there[rows] = True
        return {
            "final_obs": observations,
            "_final_obs": there,
            "final_info": info,
            "_final_info": there.copy(),
        }

    def _revealed(self, rows: Integers) -> dict[str, Any]:
        return self._batched(self._store.revealed(rows), rows)


def _store(task: Task, sizes: dict[str, Size], rows: int) -> EpisodeStore | InteractiveStore:
    """Return the store that holds the episodes of a task."""
    if isinstance(task, InteractiveTask):
        return InteractiveStore(task, sizes, rows)
    assert isinstance(task, SequenceTask)
    return EpisodeStore(task, sizes, rows)
