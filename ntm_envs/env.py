"""One Gymnasium environment for every task."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from ntm_envs import episodes, keyed
from ntm_envs.answers import Mode
from ntm_envs.episode_store import ASIDE
from ntm_envs.episodes import Episode
from ntm_envs.rendering import Snapshot, Window, ansi, rgb_array
from ntm_envs.spaces import check_reveal, observation_space, resolve
from ntm_envs.tasks import Task

Observation = NDArray[np.float32]


class SequenceEnv(gym.Env[Observation, NDArray[Any]]):
    """Plays the episodes of a task, of both kinds.

    In a sequence task the agent reads a sequence and then answers it, one vector of symbols a step; in an
    interactive one it sees what its actions do.

    ## Observation space
    `Box(float32)` of shape `(I,)`: the input channels of this step. Sizes do not change it.

    ## Action space
    The symbols of this step. Bits are `MultiBinary(O)`, one symbol of k classes is `Discrete(k)`, several
    are `MultiDiscrete`; numbers of any real type are taken. With `actions="probabilities"` it is a `Box`
    from 0 to 1: the probability of 1 for each bit, or of each class, which have to sum to 1 for each symbol
    (a random sample of the box does not). The most probable symbols are then the answer.

    ## Rewards
    On an answer step of a sequence task the mean over symbols of 1 for a right one and -1 / (k - 1) for a
    wrong one, divided by the number of answer steps; otherwise 0. A perfect episode returns 1, and uniform
    guesses 0 on average; of bits, an episode with every bit wrong returns -1. An interactive task has
    rewards of its own.

    ## Start and end of an episode
    `reset` returns the first input. The action that follows it is graded against the first target, and
    so on; the last step terminates, with an observation of zeros. Nothing is ever truncated.

    ## Information
    `reset` has `episode_key` and every size: the same key and sizes are the same episode everywhere.
    The last step has `wrong_symbols` and, with probabilities and targets, `cost_in_bits`, both of the whole
    episode. With `reveal_target=True`, `target` and `mask` come with the observation that they belong to.

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
        actions: Mode = "answers",
        reveal_target: bool = False,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        """Make an environment.

        Args:
            task: A name from the table of tasks, whose training range is then the default, or a task.
            actions: Whether actions are ``answers`` or ``probabilities``.
            reveal_target: Whether targets are in the information that steps return.
            render_mode: ``ansi``, ``rgb_array``, ``human`` or None.
            **arguments: Sizes and, with a name, parameters of the task.

        Raises:
            TypeError: If an argument is unknown or missing.
            ValueError: If a value is out of range.
        """
        self.task, self.sizes = resolve(task, arguments)
        check_reveal(self.task, reveal_target)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            modes = ", ".join(self.metadata["render_modes"])
            raise ValueError(f"render_mode is {render_mode!r}; expected one of {modes}, or None")
        self.metadata = dict(self.metadata)  # so that somebody may change this one's speed of rendering
        self.render_mode = render_mode
        self.observation_space = observation_space(self.task)
        self._answers = self.task.answers
        self.action_space = self._answers.space(actions)
        self._probabilities = actions == "probabilities"
        self._width = self._answers.logits if self._probabilities else self._answers.width
        self._reveal = reveal_target
        self._window: Window | None = None
        self._stream: int | None = None
        self._longest = self.task.steps(**self.sizes)
        self._ahead = episodes.lookahead(self.task, self._longest)
        self._upcoming: list[Episode] = []  # the next one last
        self._episode: Episode | None = None
        self._over = True
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
                self._upcoming = list(episodes.make(self.task, keys, self.sizes))[::-1]
            episode = self._upcoming.pop()
        self._episode, self._over, self._outputs = episode, False, []
        observation, info = episode.begin(), episode.info.copy()
        if self._reveal:
            info |= episode.revealed()
        if self.render_mode == "human":
            self.render()
        return observation, info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the last observation; see the class.

        Raises:
            ResetNeeded: Before the first `reset`, and after the end of an episode.
            ValueError: If the action has the wrong shape or values. The episode then goes on as if it
                had not been given.
        """
        episode, answers, probabilities = self._episode, self._answers, None
        if self._over or episode is None:
            raise ResetNeeded("the episode is over or has not begun; call reset() first")
        if self._probabilities:
            probabilities = answers.check_probabilities(action)
            code = answers.decode(probabilities).tobytes()
        else:
            code = answers.encode(action)
        observation, reward, over = episode.answer(code, probabilities)
        if self.render_mode is not None:
            shown = np.frombuffer(code, answers.dtype) if probabilities is None else probabilities
            self._outputs.append(np.array(shown, np.float32))
        info: dict[str, Any] = {}
        if over:
            self._over = True
            info = episode.final(self._probabilities)
        if self._reveal:
            info |= episode.revealed()
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

    def _aside(self, options: dict[str, Any]) -> Episode:
        """Return the one episode that options ask for."""
        if "key" in options:
            keys = keyed.as_keys(options.pop("key"))
            if len(keys) != 1:
                raise ValueError(f"options['key'] holds {len(keys)} keys; expected one")
            return next(episodes.make(self.task, keys, {**self.sizes, **options}))
        episode = next(
            episodes.make(self.task, self._keys(ASIDE + self._asides, 1), {**self.sizes, **options})
        )
        self._asides += 1
        return episode

    def _snapshot(self, episode: Episode) -> Snapshot:
        sizes = ", ".join(f"{name} {size}" for name, size in episode.info.items() if name != "episode_key")
        return Snapshot(
            title=f"{type(self.task).__name__} · {sizes}",
            input_channels=self.task.input_channels,
            output_channels=self.task.output_channels,
            answers=self._answers,
            steps=episode.steps,
            inputs=episode.inputs,
            targets=episode.targets,
            mask=episode.mask,
            outputs=np.array(self._outputs, np.float32).reshape(episode.now, self._width),
            rewards=episode.rewards,
        )
