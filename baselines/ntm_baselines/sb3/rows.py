"""Rollouts as rows, cut where episodes start.

The rows of a batch are episodes or parts of them, one row after another. Only the states at the start of a
rollout are kept; every other row begins with an episode.

Shape letters: B environments, R rows of a batch.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.type_aliases import RecurrentRolloutBufferSamples, RNNStates
from stable_baselines3.common.buffers import RolloutBuffer
from torch import Tensor

from ntm_agents.protocol import mapped
from ntm_baselines.sb3.states import Counted


class Rows(NamedTuple):
    """Initial states and lengths of rows."""

    state: Counted
    """States of rows, used where no episode starts."""
    lengths: Tensor
    """``[R]``"""


class MemoryRolloutBuffer(RecurrentRolloutBuffer):
    """A rollout that yields rows, cut where episodes start; it keeps only the first states."""

    def reset(self) -> None:
        """Empty the buffer."""
        RolloutBuffer.reset(self)
        self.actions = self.actions.astype(np.float32)

    def add(self, *args: Any, lstm_states: RNNStates, **kwargs: Any) -> None:  # type: ignore[override]
        """Add a step of all environments; see `RolloutBuffer.add`."""
        if self.pos == 0:
            self.first_state = cast("Counted", lstm_states.pi)
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
        rows = Rows(Counted(*state), torch.from_numpy(lengths).to(self.device))
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
