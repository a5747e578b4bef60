"""Any model as the memory of a policy: recurrent PPO that takes whole sequences at once.

sb3-contrib's recurrent PPO takes only an LSTM, loops over single steps wherever an episode starts inside a
sequence, and keeps the state of every step. Here a rollout is cut where episodes start, so that the rows of
a batch are episodes or parts of them, and each goes through the model in one call; only the states at the
start of a rollout are kept. Neither model nor kernel handles episodes.

The policy's logits are the model's. The critic sees the observation and, without a gradient, these logits,
which show how certain the policy is; so it needs no memory of its own, and only the model is kept.

Shape letters: B environments, R rows of a batch, S their steps, I input channels, O symbols and L logits of
an answer. Stable-Baselines3 has no axis O where O is 1.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.type_aliases import RecurrentRolloutBufferSamples, RNNStates
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule
from torch import Tensor, nn

from ntm_agents.protocol import Model, State, mapped
from ntm_agents.readout import readout
from ntm_envs.answers import from_space

PARTS = 4
"""Number of parts that a batch of rows is cut into, to have less padding."""


class Rows(NamedTuple):
    """Initial states and lengths of rows."""

    state: State
    """States of rows, used where no episode starts."""
    lengths: Tensor
    """``[R]``"""


@dataclass(frozen=True)
class Cut:
    """A state that is cut as sb3-contrib cuts that of an LSTM, to value the end of a truncated episode.

    That is ``(state[0][:, row : row + 1, :].contiguous(), state[1][...])``: each part of it is the whole
    state of the row.
    """

    whole: State

    def __getitem__(self, at: Any) -> Any:
        """Return the state of some rows, if `at` names rows."""
        return Cut(mapped(lambda tensor: tensor[at[1]], self.whole)) if isinstance(at, tuple) else self

    def contiguous(self) -> Cut:
        """Return this state itself."""
        return self


class MemoryPolicy(BasePolicy):
    """A policy that draws each symbol of an action from the distribution that a model outputs.

    Args:
        observation_space: A box ``[I]``.
        action_space: The space of bits or symbols (:mod:`ntm_envs.answers`).
        lr_schedule: The learning rate, by the share of the training that is left.
        model: A model of I inputs and L outputs (:class:`ntm_agents.protocol.Model`).
        capacity: Upper bound of the number of steps of an episode, a power of two.
        hidden_size: Units of each of the critic's two layers.

    Raises:
        ValueError: If actions are neither bits nor symbols.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *,
        model: nn.Module,
        capacity: int,
        hidden_size: int = 64,
    ) -> None:
        super().__init__(observation_space, action_space)
        answers = from_space(action_space)
        self._readout, self._width = readout(answers), answers.width
        self.model = model
        self._memory = cast("Model", model)
        self._capacity = capacity
        inputs = spaces.flatdim(observation_space) + answers.logits
        self.critic = nn.Sequential(
            nn.Linear(inputs, hidden_size),
            nn.Tanh(),
            nn.Linear(hidden_size, hidden_size),
            nn.Tanh(),
            nn.Linear(hidden_size, 1),
        )
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5)

    def initial_states(self, rows: int) -> RNNStates:
        """Return the states of so many rows at the start of episodes. The critic has none of its own."""
        state = self._memory.initial_state(rows, self._capacity)
        return _both(state)

    def set_training_mode(self, mode: bool) -> None:
        """Set the mode of the critic; the model stays in evaluation mode.

        Noise in the model would change the probabilities that actions were chosen with.
        """
        super().set_training_mode(mode)
        self.model.eval()
        for part in self.model.modules():
            if isinstance(part, nn.RNNBase) and not part.dropout:
                part.training = mode  # which changes nothing, but cuDNN has gradients in training mode only

    def forward(
        self, obs: Tensor, lstm_states: RNNStates, episode_starts: Tensor, deterministic: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, RNNStates]:
        """Take one step.

        Returns:
            Actions ``[B, O]``, values ``[B, 1]``, log-probabilities ``[B]`` and the states.
        """
        logits, state = self._step(obs, lstm_states.pi, episode_starts)
        answers = self._readout.decode(logits) if deterministic else self._readout.sample(logits)
        likelihood = self._readout.log_probability(logits, answers)
        actions = answers.reshape(-1, *cast("tuple[int, ...]", self.action_space.shape))
        return actions, self._values(obs, logits), likelihood, _both(state)

    def evaluate_actions(
        self, obs: Tensor, actions: Tensor, lstm_states: Rows, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluate the S actions of rows that lie one after another; episodes start only where rows do.

        Returns:
            Values ``[S, 1]``, log-probabilities ``[S]`` and entropies ``[S]``.
        """
        lengths = lstm_states.lengths
        begins = lengths.cumsum(0) - lengths
        state = self._started(lstm_states.state, episode_starts[begins])
        found, places = [], []
        for rows in lengths.argsort().chunk(PARTS):  # of like length, as each is padded to the longest
            ahead = torch.arange(int(lengths[rows].max()), device=obs.device)[:, None]
            there = ahead < lengths[rows]
            at = torch.where(there, begins[rows] + ahead, 0)
            logits, _ = self._memory(obs[at], mapped(lambda tensor, rows=rows: tensor[rows], state))
            found.append(logits[there])
            places.append(at[there])
        logits = torch.cat(found)[torch.cat(places).argsort()]
        likelihood = self._readout.log_probability(logits, actions.reshape(-1, self._width))
        return self._values(obs, logits), likelihood, self._readout.entropy(logits)

    def predict_values(self, obs: Tensor, lstm_states: Any, episode_starts: Tensor) -> Tensor:
        """Return the values ``[B, 1]`` of observations ``[B, I]``."""
        return self._values(obs, self._step(obs, lstm_states[0].whole, episode_starts)[0])

    def predict(
        self,
        observation: NDArray[Any] | dict[str, NDArray[Any]],
        state: Any = None,
        episode_start: NDArray[Any] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and the next state, as Stable-Baselines3 plays with a policy.

        Args:
            observation: ``[B, I]``, or ``[I]`` of one environment.
            state: What the last call returned; None at the start.
            episode_start: Which episodes start now ``[B]``; all without a state.
            deterministic: Whether each symbol is the most probable one; otherwise it is drawn.
        """
        self.set_training_mode(False)
        inputs, vectorised = self.obs_to_tensor(observation)
        assert isinstance(inputs, Tensor)
        states = self.initial_states(len(inputs)) if state is None else _both(state)
        starts = np.zeros(len(inputs)) if episode_start is None else episode_start
        with torch.no_grad():
            begins = torch.as_tensor(starts, dtype=torch.float32, device=inputs.device)
            actions, _, _, states = self(inputs, states, begins, deterministic)
        chosen = actions.cpu().numpy().astype(self.action_space.dtype)
        return (chosen if vectorised else chosen[0]), states.pi

    def _predict(self, observation: Any, deterministic: bool = False) -> Tensor:
        raise NotImplementedError("a policy with a memory needs its state; use predict")

    def _step(self, obs: Tensor, state: State, starts: Tensor) -> tuple[Tensor, State]:
        logits, state = self._memory(obs.unsqueeze(0), self._started(state, starts))
        return logits[0], state

    def _started(self, state: State, starts: Tensor) -> State:
        """Return a state in which the rows that start are at the start of an episode."""
        anew = starts.bool()
        if not anew.any():
            return state
        initial = self._memory.initial_state(len(anew), self._capacity)

        def chosen(first: Tensor, old: Tensor) -> Tensor:
            if first.shape != old.shape:  # which `where` might broadcast
                raise ValueError(
                    f"the state has a tensor of shape {tuple(old.shape)}; expected {tuple(first.shape)}, as "
                    f"there are {len(anew)} environments"
                )
            return torch.where(anew.view(-1, *[1] * (first.dim() - 1)), first, old)

        return mapped(chosen, initial, state)

    def _values(self, obs: Tensor, logits: Tensor) -> Tensor:
        return cast("Tensor", self.critic(torch.cat([obs, logits.detach()], dim=-1)))


class MemoryRolloutBuffer(RecurrentRolloutBuffer):
    """A rollout that yields rows, cut where episodes start; it keeps only the first states."""

    def reset(self) -> None:
        """Empty the buffer."""
        RolloutBuffer.reset(self)
        self.actions = self.actions.astype(np.float32)

    def add(self, *args: Any, lstm_states: RNNStates, **kwargs: Any) -> None:  # type: ignore[override]
        """Add a step of all environments; see `RolloutBuffer.add`."""
        if self.pos == 0:
            self.first_state = lstm_states.pi
        RolloutBuffer.add(self, *args, **kwargs)

    def get(  # type: ignore[override]
        self, batch_size: int | None = None
    ) -> Generator[RecurrentRolloutBufferSamples, None, None]:
        """Yield all rows in random order, in batches of about so many steps each, and of two at least.

        (Of one advantage there is no standard deviation to divide it by.)
        """
        assert self.full
        starts = self.episode_starts.astype(np.bool_)
        starts[0] = True  # a row begins there, whether an episode does or not
        row_env, row_start = np.nonzero(starts.T)
        ends = np.append(row_start[1:], 0)
        lengths = np.where(ends > row_start, ends, self.buffer_size) - row_start
        steps = self.buffer_size * self.n_envs
        batches = max(1, steps // (batch_size or steps))
        parts: list[NDArray[np.intp]] = []
        for rows in np.array_split(torch.randperm(len(lengths)).numpy(), min(batches, len(lengths))):
            if parts and min(lengths[parts[-1]].sum(), lengths[rows].sum()) < 2:
                parts[-1] = np.append(parts[-1], rows)
            else:
                parts.append(rows)
        for rows in parts:
            yield self._rows(row_env[rows], row_start[rows], lengths[rows])

    def _rows(
        self, envs: NDArray[np.intp], begins: NDArray[np.intp], lengths: NDArray[np.intp]
    ) -> RecurrentRolloutBufferSamples:
        """Return the steps of rows, one row after another."""
        ahead = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
        steps, columns = np.repeat(begins, lengths) + ahead, np.repeat(envs, lengths)

        def chosen(array: NDArray[np.float32]) -> Tensor:
            return self.to_torch(array[steps, columns])

        at = torch.from_numpy(envs)
        state = mapped(lambda tensor: tensor[at.to(tensor.device)], self.first_state)
        rows = Rows(state, torch.from_numpy(lengths).to(self.device))
        return RecurrentRolloutBufferSamples(
            observations=chosen(self.observations),
            actions=chosen(self.actions),
            old_values=chosen(self.values),
            old_log_prob=chosen(self.log_probs),
            advantages=chosen(self.advantages),
            returns=chosen(self.returns),
            lstm_states=cast("Any", rows),
            episode_starts=chosen(self.episode_starts),
            mask=torch.ones(len(steps), device=self.device),
        )


class MemoryPPO(RecurrentPPO):
    """Proximal policy optimisation with any model as memory.

    It differs from :class:`sb3_contrib.RecurrentPPO` in its policy and its buffer::

        MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": model, "capacity": 64})
    """

    @property
    def carried(self) -> State:
        """The state that the next rollout begins with."""
        return cast("State", self._last_lstm_states.pi)

    @carried.setter
    def carried(self, state: State) -> None:
        self._last_lstm_states = _both(state)

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        if not issubclass(self.policy_class, MemoryPolicy):
            raise ValueError(f"policy is {self.policy_class}; expected MemoryPolicy, or a class of that kind")
        kind: type[MemoryPolicy] = self.policy_class
        policy = kind(self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs)
        self.policy = cast("Any", policy.to(self.device))
        with torch.no_grad():
            self._last_lstm_states: Any = policy.initial_states(self.n_envs)
        self.rollout_buffer = MemoryRolloutBuffer(
            self.n_steps,
            self.observation_space,
            self.action_space,
            (0, 0, 0, 0),
            self.device,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            n_envs=self.n_envs,
        )
        self.clip_range = FloatSchedule(self.clip_range)
        if self.clip_range_vf is not None:
            self.clip_range_vf = FloatSchedule(self.clip_range_vf)


def _both(state: State) -> RNNStates:
    """Return a state in the form of RecurrentPPO, for the actor and the critic."""
    return RNNStates(cast("Any", state), cast("Any", Cut(state)))
