"""The Gymnasium environment of all tasks."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from ntm_envs import episodes, keyed
from ntm_envs.answers import Actions, NumberedAnswers
from ntm_envs.episode_store import REQUESTED
from ntm_envs.episodes import Episode
from ntm_envs.rendering import Snapshot, Window, ansi, rgb_array
from ntm_envs.spaces import as_options, check_reveal, observation_space, requested, resolve
from ntm_envs.tasks import Task

Observation = NDArray[np.float32]


class SequenceEnv(gym.Env[Observation, NDArray[Any]]):
    """An environment that plays the episodes of a task.

    In a sequence task the agent reads a sequence of inputs and outputs one vector of symbols per step. In an
    interactive task its actions change what it observes.

    ## Observation space
    `Box(float32)` of shape `(I,)`: the input channels of the current step. The sizes of episodes do not
    change it.

    ## Action space
    The symbols of the current step: `MultiBinary(O)` for bits, `Discrete(k)` for one symbol of k classes,
    `MultiDiscrete` for several symbols. Actions of any real dtype are accepted.

    With `actions="multidiscrete"` the space of the same actions is always `MultiDiscrete`, for software that
    lacks `MultiBinary`. With `actions="discrete"` it is `Discrete`, and an action is the number of an answer
    in lexicographic order: of three bits, 6 is 1 1 0. There may be at most 1024 different answers.

    With `actions="probabilities"` the space is a `Box` from 0 to 1. An action holds the probability of 1 for
    each bit, or the probabilities of all classes for each symbol. The latter must sum to 1, unlike random
    samples of the box. The most probable symbols are taken as the answer.

    ## Rewards
    At a scored step of a sequence task, a correct symbol earns 1 and a wrong one -1 / (k - 1). The reward is
    the mean over the symbols, divided by the number of scored steps. All other rewards are 0. A perfect
    episode thus returns 1, uniform guesses return 0 on average, and an episode with every bit wrong
    returns -1. Interactive tasks define rewards of their own.

    ## Starting state
    `reset` returns the first input of the sequence. The next action is graded against the first target.

    ## Episode end
    The last step terminates the episode and returns an observation of zeros. Episodes are truncated only by
    the `max_episode_steps` of `gym.make` and `gym.make_vec`.

    ## Information
    `reset` and every `step` return the same names: `episode_key` and every size of the current episode;
    `wrong_symbols` so far, in an interactive task including the missing ones; if actions are probabilities
    and the task has targets, `cost_in_bits` so far; and with `reveal_target=True`, the `target` and `mask` of
    the observation. The same key and sizes give the same episode on every machine.

    ## Arguments
    Sizes of episodes, such as `length=40` or `length=(1, 20)`; parameters of the task, such as `bits=4`;
    `actions`; `reveal_target`; `render_mode`. In a range, both ends are included. A list of two integers is a
    range too, as JSON and YAML have no tuples.

    `reset(options={"key": 123, "length": 7})` plays the requested episode and does not advance the stream of
    episodes. A range in options is a tuple. Lists and arrays in options hold one value per environment, which
    matters in vector environments.

    ## Version history
    * v0: the first version.
    """

    metadata = {"render_modes": ["ansi", "rgb_array", "human"], "render_fps": 8}  # noqa: RUF012

    def __init__(
        self,
        task: str | Task,
        *,
        actions: Actions = "answers",
        reveal_target: bool = False,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        """Create an environment.

        Args:
            task: A task, or a name from the task table. A name makes the training range the default sizes.
            actions: The form of actions: ``answers``, ``multidiscrete``, ``discrete`` or ``probabilities``.
            reveal_target: If True, the information of each step contains the target and the mask.
            render_mode: ``ansi``, ``rgb_array``, ``human`` or None.
            **arguments: Sizes of episodes and, if `task` is a name, parameters of the task.

        Raises:
            TypeError: If an argument is unknown or missing.
            ValueError: If a value is out of range.
        """
        self.task, self.sizes = resolve(task, arguments, 1)
        check_reveal(self.task, reveal_target)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            modes = ", ".join(self.metadata["render_modes"])
            raise ValueError(f"render_mode is {render_mode!r}; expected one of {modes}, or None")
        self.metadata = dict(self.metadata)  # a copy, so users can change render_fps of one environment
        self.render_mode = render_mode
        self.observation_space = observation_space(self.task)
        self._answers = self.task.answers
        self.action_space = self._answers.space(actions)
        self._numbered = NumberedAnswers(self._answers) if actions == "discrete" else None
        self._probabilities = actions == "probabilities"
        self._width = self._answers.logits if self._probabilities else self._answers.width
        self._reveal = reveal_target
        self._window: Window | None = None
        self._stream: int | None = None
        self._longest = self.task.steps(**self.sizes)
        self._ahead = episodes.lookahead(self.task, self._longest)
        self._upcoming: list[Episode] = []  # in reverse order
        self._episode: Episode | None = None
        self._over = True
        self._outputs: list[NDArray[np.float32]] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the next episode of the stream, or the one that options request.

        Args:
            seed: Seed of a new stream of episodes. None continues the current stream.
            options: A `key`, and sizes that replace those of the environment, for this episode only.

        Raises:
            TypeError: If an option is unknown or of the wrong type. Like all errors of this method, it leaves
                the environment unchanged.
            ValueError: If an option is out of range.
            gymnasium.error.Error: If the seed is not a non-negative integer.
        """
        options = as_options(options)
        keys, sizes = requested(self.task, self.sizes, options, 1, np.arange(1))
        super().reset(seed=seed)
        if seed is not None or self._stream is None:
            self._stream = int(self.np_random.integers(2**63, dtype=np.int64))
            self._index = self._requests = 0
            self._upcoming = []
        if options:
            if keys is None:
                keys = self._keys(REQUESTED + self._requests, 1)
                self._requests += 1
            episode = next(episodes.make(self.task, keys, {**self.sizes, **sizes}))
        else:
            if not self._upcoming:
                keys = self._keys(self._index, self._ahead)
                self._index += self._ahead
                self._upcoming = list(episodes.make(self.task, keys, self.sizes))[::-1]
            episode = self._upcoming.pop()
        self._episode, self._over, self._outputs = episode, False, []
        if self.render_mode == "human":
            self.render()
        return episode.begin(), self._info(episode)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one step with the action that answers the last observation.

        Raises:
            ResetNeeded: If the episode is over, or `reset` has never been called.
            ValueError: If the action has the wrong shape or values. The episode is left unchanged.
        """
        episode, answers, probabilities = self._episode, self._answers, None
        if self._over or episode is None:
            raise ResetNeeded("the episode is over or has not started; call reset() first")
        if self._probabilities:
            probabilities = answers.check_probabilities(action)
            code = answers.decode(probabilities).tobytes()
        elif self._numbered is not None:
            code = self._numbered.answer(action).tobytes()
        else:
            code = answers.encode(action)
        observation, reward, over = episode.step(code, probabilities)
        if self.render_mode is not None:
            shown = np.frombuffer(code, answers.dtype) if probabilities is None else probabilities
            self._outputs.append(np.array(shown, np.float32))
        self._over = over
        if self.render_mode == "human":
            self.render()
        return observation, reward, over, False, self._info(episode)

    def render(self) -> Any:
        """Render the episode so far.

        Returns:
            A string (``ansi``), an image ``uint8 [H, W, 3]`` (``rgb_array``), or None (``human``, which shows
            a window).

        Raises:
            ResetNeeded: If `reset` has never been called.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs a render_mode; pass one when you create the environment")
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
        """Close the window, if one is open."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _keys(self, index: int, count: int) -> keyed.Keys:
        """Return the keys ``[count]`` of consecutive episodes of the stream."""
        indices = np.arange(index, index + count)
        return keyed.stream_keys(np.full(count, self._stream, np.int64), indices)

    def _info(self, episode: Episode) -> dict[str, Any]:
        """Return the information about the episode so far."""
        info = episode.info | episode.totals(self._probabilities)
        return info | episode.revealed() if self._reveal else info

    def _snapshot(self, episode: Episode) -> Snapshot:
        """Return what a rendering of the episode shows."""
        sizes = {name: size for name, size in episode.info.items() if name != "episode_key"}
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items())
        return Snapshot(
            title=f"{type(self.task).__name__} · {shown}",
            input_channels=self.task.input_channels,
            output_channels=self.task.output_channels,
            answers=self._answers,
            steps=episode.steps,
            inputs=episode.inputs,
            targets=episode.targets,
            mask=episode.mask,
            outputs=np.array(self._outputs, np.float32).reshape(episode.now, self._width),
            rewards=episode.rewards,
            view=self.task.view(episode.info["episode_key"], sizes),
        )
