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

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule
from torch import Tensor, nn

from ntm_agents.protocol import Model, mapped, preserved
from ntm_agents.readout import readout
from ntm_baselines.sb3.rows import MemoryRolloutBuffer, Rows
from ntm_baselines.sb3.states import Counted, for_both, rows_of
from ntm_envs.answers import from_space
from ntm_envs.tasks.sizes import is_whole

PARTS = 4
"""Number of parts that a batch of rows is cut into, to have less padding."""


class MemoryPolicy(BasePolicy):
    """A policy that draws each symbol of an action from the distribution that a model outputs.

    Args:
        observation_space: A box of I numbers, or a discrete space of I values, one of I inputs each.
        action_space: The space of bits or symbols (:mod:`ntm_envs.answers`).
        lr_schedule: The learning rate, by the share of the training that is left.
        model: A model of I inputs and L outputs (:class:`ntm_agents.protocol.Model`).
        capacity: Upper bound of the number of steps of an episode, a power of two. In a truncated episode,
            the observation behind the last step counts as well: the critic values it.
        hidden_size: Units of each of the critic's two layers.

    Raises:
        TypeError: If the model is no module with the method `initial_state`.
        ValueError: If actions are neither bits nor symbols, the capacity or the hidden size is no positive
            integer, or the model does not take the inputs or has another number of outputs.
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
        if not isinstance(model, nn.Module) or not hasattr(model, "initial_state"):
            raise TypeError(
                f"model is {model!r}; expected a torch.nn.Module, with its inputs and outputs, that has the "
                "methods initial_state(batch_size, capacity) and forward(inputs, state)"
            )
        if not is_whole(capacity) or capacity < 1:
            raise ValueError(f"capacity is {capacity!r}; expected an integer of at least 1, a power of two")
        if not is_whole(hidden_size) or hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size!r}; expected an integer of at least 1")
        answers = from_space(action_space)
        self._readout, self._width, self._logits = readout(answers), answers.width, answers.logits
        self.model = model
        self._memory = cast("Model", model)
        self._capacity, self._hidden_size = capacity, hidden_size
        inputs = spaces.flatdim(observation_space) + answers.logits
        self.critic = nn.Sequential(
            nn.Linear(inputs, hidden_size),
            nn.Tanh(),
            nn.Linear(hidden_size, hidden_size),
            nn.Tanh(),
            nn.Linear(hidden_size, 1),
        )
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5)
        self.model.eval()
        self._try_step(spaces.flatdim(observation_space))

    def initial_states(self, rows: int) -> RNNStates:
        """Return the states of so many rows at the start of episodes. The critic has none of its own."""
        return for_both(self._initial(rows))

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
        obs = self._inputs(obs)
        logits, state = self._step(obs, cast("Counted", lstm_states.pi), episode_starts)
        answers = self._readout.decode(logits) if deterministic else self._readout.sample(logits)
        likelihood = self._readout.log_probability(logits, answers)
        actions = answers.reshape(-1, *cast("tuple[int, ...]", self.action_space.shape))
        return actions, self._values(obs, logits), likelihood, for_both(state)

    def evaluate_actions(
        self, obs: Tensor, actions: Tensor, lstm_states: Rows, episode_starts: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Evaluate the S actions of rows that lie one after another; episodes start only where rows do.

        Returns:
            Values ``[S, 1]``, log-probabilities ``[S]`` and entropies ``[S]``.
        """
        obs, lengths = self._inputs(obs), lstm_states.lengths
        begins = lengths.cumsum(0) - lengths
        state = self._started(lstm_states.state, episode_starts[begins])
        found, places = [], []
        for rows in lengths.argsort().chunk(PARTS):  # of like length, as each is padded to the longest
            for logits, at in self._padded(obs, begins[rows], lengths[rows], rows_of(state, rows)):
                found.append(logits)
                places.append(at)
        logits = torch.cat(found)[torch.cat(places).argsort()]
        likelihood = self._readout.log_probability(logits, actions.reshape(-1, self._width))
        return self._values(obs, logits), likelihood, self._readout.entropy(logits)

    def predict_values(self, obs: Tensor, lstm_states: Any, episode_starts: Tensor) -> Tensor:
        """Return the values ``[B, 1]`` of observations ``[B, I]``."""
        obs = self._inputs(obs)
        state = cast("Counted", preserved(self.model, lstm_states[0].whole))  # the next step begins with it
        return self._values(obs, self._step(obs, state, episode_starts)[0])

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
            state: What the last call returned, as tensors or arrays, which stay as they are; None at first.
            episode_start: Which episodes start now ``[B]``; all without a state.
            deterministic: Whether each symbol is the most probable one; otherwise it is drawn.
        """
        self.set_training_mode(False)
        inputs, vectorised = self.obs_to_tensor(observation)
        assert isinstance(inputs, Tensor)
        states = self.initial_states(len(inputs)) if state is None else for_both(self._given(state))
        starts = np.zeros(len(inputs)) if episode_start is None else episode_start
        with torch.no_grad():
            begins = torch.as_tensor(starts, dtype=torch.float32, device=inputs.device)
            actions, _, _, states = self(inputs, states, begins, deterministic)
        chosen = actions.cpu().numpy().astype(self.action_space.dtype)
        return (chosen if vectorised else chosen[0]), states.pi

    def _predict(self, observation: Any, deterministic: bool = False) -> Tensor:
        raise NotImplementedError("a policy with a memory needs its state; use predict")

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """Return the arguments that `save` writes and `load` builds a policy with."""
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": FloatSchedule(0.0),  # nothing is learnt by a policy alone
            "model": self.model,
            "capacity": self._capacity,
            "hidden_size": self._hidden_size,
        }

    def _inputs(self, obs: Tensor) -> Tensor:
        """Return observations as inputs of the model ``[B, I]``."""
        inputs = preprocess_obs(obs, self.observation_space, normalize_images=self.normalize_images)
        return cast("Tensor", inputs).flatten(1)

    def _initial(self, rows: int) -> Counted:
        steps = torch.zeros(rows, dtype=torch.int64, device=self.device)
        return Counted(self._memory.initial_state(rows, self._capacity), steps)

    def _try_step(self, inputs: int) -> None:
        """Raise a ValueError unless the model takes a step of one row of so many inputs."""
        zeros = torch.zeros(1, 1, inputs, device=self.device)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            try:
                self._advance(zeros, self._initial(1))
            except (RuntimeError, TypeError, IndexError) as error:
                raise ValueError(
                    f"the model fails at float32 inputs [T, B, I] of {tuple(zeros.shape)}; expected one "
                    f"that takes the {inputs} numbers of {self.observation_space} ({error})"
                ) from error

    def _given(self, state: Any) -> Counted:
        """Return a state that is given from outside as tensors of the policy's device."""
        given = mapped(lambda part: torch.as_tensor(part, device=self.device), state)
        with torch.no_grad():
            return Counted(*preserved(self.model, given))

    def _step(self, obs: Tensor, state: Counted, starts: Tensor) -> tuple[Tensor, Counted]:
        """Return the logits ``[B, L]`` of one step, and the next state."""
        logits, state = self._advance(obs.unsqueeze(0), self._started(state, starts))
        return logits[0], state

    def _advance(self, inputs: Tensor, state: Counted) -> tuple[Tensor, Counted]:
        """Return the logits ``[T, B, L]`` of T steps, and the next state."""
        steps = state.steps + len(inputs)
        if (steps > self._capacity).any():
            raise ValueError(
                f"capacity is {self._capacity}, and an episode has {int(steps.max())} observations; expected "
                "a power of two of at least their number of steps, plus one if they are truncated"
            )
        logits, memory = self._memory(inputs, state.memory)
        if logits.shape[2] != self._logits:
            raise ValueError(
                f"the model has {logits.shape[2]} outputs; expected {self._logits}, the logits of "
                f"{self.action_space}"
            )
        return logits, Counted(memory, steps)

    def _padded(
        self, obs: Tensor, begins: Tensor, lengths: Tensor, state: Counted
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the logits ``[S, L]`` of rows side by side, and the places of these steps in `obs` ``[S]``.

        Rows that are over take further steps, up to the end of the longest row, but never more than the
        capacity: where one reaches it, those that are over leave.
        """
        done = 0
        while True:
            room = self._capacity - int(state.steps.max())
            steps = max(1, min(int(lengths.max()) - done, room))
            ahead = torch.arange(done, done + steps, device=obs.device)[:, None]
            there = ahead < lengths
            at = torch.where(there, begins + ahead, 0)
            logits, state = self._advance(obs[at], state)
            yield logits[there], at[there]
            done += steps
            left = lengths > done
            if not left.any():
                return
            begins, lengths, state = begins[left], lengths[left], rows_of(state, left)

    def _started(self, state: Counted, starts: Tensor) -> Counted:
        """Return a state in which the rows that start are at the start of an episode."""
        anew = starts.bool()
        if not anew.any():
            return state

        def chosen(first: Tensor, old: Tensor) -> Tensor:
            if first.shape != old.shape:  # which `where` might broadcast
                raise ValueError(
                    f"the state has a tensor of shape {tuple(old.shape)}; expected {tuple(first.shape)}, as "
                    f"there are {len(anew)} environments"
                )
            return torch.where(anew.view(-1, *[1] * (first.dim() - 1)), first, old)

        return Counted(*mapped(chosen, self._initial(len(anew)), state))

    def _values(self, obs: Tensor, logits: Tensor) -> Tensor:
        return cast("Tensor", self.critic(torch.cat([obs, logits.detach()], dim=-1)))


class MemoryPPO(RecurrentPPO):
    """Proximal policy optimisation with any model as memory.

    It differs from :class:`sb3_contrib.RecurrentPPO` in its policy and its buffer::

        MemoryPPO(MemoryPolicy, env, policy_kwargs={"model": model, "capacity": 64})
    """

    @property
    def carried(self) -> Counted:
        """The state that the next rollout begins with."""
        return cast("Counted", self._last_lstm_states.pi)

    @carried.setter
    def carried(self, state: Counted) -> None:
        self._last_lstm_states = for_both(state)

    def train(self) -> None:
        """Update the policy with the last rollout.

        Raises:
            ValueError: If no parameter of the model requires a gradient, so that it cannot learn.
        """
        model = cast("MemoryPolicy", self.policy).model
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ValueError(
                "no parameter of the model requires a gradient, so it learns nothing; expected at least one "
                "(model.requires_grad_() unfreezes all)"
            )
        super().train()

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
