"""The states of episodes in flight, and the form that RecurrentPPO of sb3-contrib needs.

Shape letter: B environments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sb3_contrib.common.recurrent.type_aliases import RNNStates
from torch import Tensor

from ntm_agents.protocol import State, mapped


class Counted(NamedTuple):
    """The state of episodes: that of the model, and the number of steps that it has taken."""

    memory: State
    """State of the model."""
    steps: Tensor
    """Steps since the start of each episode ``[B]``, int64."""


@dataclass(frozen=True)
class Cut:
    """A state that is cut as sb3-contrib cuts that of an LSTM, to value the end of a truncated episode.

    That is ``(state[0][:, row : row + 1, :].contiguous(), state[1][...])``: each part of it is the whole
    state of the row.
    """

    whole: Counted

    def __getitem__(self, at: Any) -> Any:
        """Return the state of some rows, if `at` names rows."""
        return Cut(rows_of(self.whole, at[1])) if isinstance(at, tuple) else self

    def contiguous(self) -> Cut:
        """Return this state itself."""
        return self


def rows_of(state: Counted, rows: Tensor | slice) -> Counted:
    """Return the state of some rows."""
    return Counted(*mapped(lambda tensor: tensor[rows], state))


def for_both(state: Counted) -> RNNStates:
    """Return a state in the form of RecurrentPPO, for the actor and the critic."""
    return RNNStates(cast("Any", state), cast("Any", Cut(state)))
