"""sb3-contrib's recurrent PPO, made to take bits as actions and to resume from a checkpoint."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import sb3_contrib
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from torch import Tensor

from ntm_agents.protocol import State


class FloatRolloutBuffer(RecurrentRolloutBuffer):
    """sb3-contrib's buffer, with actions as floats: torch has no likelihood of bits that are integers."""

    def reset(self) -> None:
        """Empty the buffer."""
        super().reset()  # type: ignore[no-untyped-call]
        self.actions = self.actions.astype(np.float32)


class RecurrentPPO(sb3_contrib.RecurrentPPO):
    """sb3-contrib's algorithm with its LSTM, for bits as actions as well, with which version 2.9 fails."""

    @property
    def carried(self) -> State:
        """The state that the next rollout begins with, of actor and critic."""
        last = cast("RNNStates", self._last_lstm_states)
        return (*last.pi, *last.vf)

    @carried.setter
    def carried(self, state: tuple[Tensor, ...]) -> None:
        self._last_lstm_states = cast("Any", RNNStates((state[0], state[1]), (state[2], state[3])))

    def _setup_model(self) -> None:
        super()._setup_model()
        buffer = cast("RecurrentRolloutBuffer", self.rollout_buffer)
        self.rollout_buffer = FloatRolloutBuffer(
            self.n_steps,
            self.observation_space,
            self.action_space,
            buffer.hidden_state_shape,
            self.device,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            n_envs=self.n_envs,
        )
