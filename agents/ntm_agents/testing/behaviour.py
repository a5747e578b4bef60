"""Checks of what a model computes: from inputs and state alone, alike in every way that it is stepped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ntm_agents.protocol import State, mapped, preserved, tensors
from ntm_agents.testing.trial import LONG, LONG_CAPACITY, ModelError, Trial


@contextmanager
def weights_kept(trial: Trial) -> Iterator[None]:
    """Check that weights and buffers are the same after other checks, in evaluation mode."""
    before = {name: tensor.clone() for name, tensor in trial.model.state_dict().items()}
    yield
    for name, tensor in trial.model.state_dict().items():
        if not torch.equal(tensor, before[name]):
            raise ModelError(
                f"a step changed {name!r} of the state_dict in evaluation mode; expected weights and buffers "
                "to be left as they are: change buffers only while self.training is true, and let "
                "initial_state return copies"
            )


def check_repeated(trial: Trial) -> None:
    """Check that logits and states depend on nothing but weights, inputs and state, in evaluation mode."""
    inputs, drawn = trial.inputs(LONG, 3), _generators()
    start = trial.start(3, LONG_CAPACITY)
    first, _ = trial.run(inputs, preserved(trial.model, start))
    second, _ = trial.run(inputs, preserved(trial.model, start))
    if not torch.equal(first, second):
        raise ModelError(
            "the same inputs and the same state gave different logits the second time, in evaluation "
            "mode; expected the same: use randomness such as dropout only while self.training is true, "
            "and keep what is remembered in the state, not in attributes of self"
        )
    with torch.enable_grad():
        learnt, _ = trial.run(inputs, start)
    if difference := trial.difference(learnt.detach(), first):
        raise ModelError(
            f"with gradients the logits differ by {difference:.2g} from those without, in evaluation mode; "
            "expected the same: look at what depends on torch.is_grad_enabled()"
        )
    if name := _changed(_copied(start), trial.start(3, LONG_CAPACITY)):
        raise ModelError(
            f"initial_state returned another {name} the second time, in evaluation mode; expected the same: "
            "every episode starts alike"
        )
    if not all(torch.equal(one, other) for one, other in zip(drawn, _generators(), strict=True)):
        raise ModelError(
            "initial_state or forward draws random numbers in evaluation mode; expected it to do so only "
            "while self.training is true"
        )


def check_state_kept(trial: Trial) -> None:
    """Check that inputs and states are left as they are, except where the model says `reuses_state`."""
    for gradients in (True, False):
        inputs, state = trial.inputs(LONG, 3), trial.start(3, LONG_CAPACITY)
        before, shown = _copied(state), inputs.clone()
        with torch.set_grad_enabled(gradients):
            trial.run(inputs, state)
        kept = gradients or not trial.reuses_state
        name = (_changed(before, state) if kept else "") or ("" if torch.equal(inputs, shown) else "inputs")
        if name and trial.reuses_state:
            raise ModelError(
                f"forward changed {name} in place; expected it to be left as it is: a model with "
                "reuses_state may write only into its state, and only if torch.is_grad_enabled() is false"
            )
        if name:
            raise ModelError(
                f"forward changed {name} in place; expected it to be left as it is: compute a new tensor. (A "
                "model with a large memory may change its state while gradients are disabled, if it has the "
                "class attribute reuses_state = True)"
            )
    inputs, fresh = trial.inputs(LONG, 3), trial.start(3, LONG_CAPACITY)
    copies = _copied(fresh)
    _, after = trial.run(inputs[:5], trial.start(3, LONG_CAPACITY))
    later = _copied(after)
    trial.run(trial.inputs(LONG, 3), trial.start(3, LONG_CAPACITY))
    for state, copy, method in ((fresh, copies, "initial_state"), (after, later, "forward")):
        if name := _changed(copy, state):
            raise ModelError(
                f"{name}, which {method} returned for other episodes, was changed by a later call; expected "
                "every state to have memory of its own: do not return a tensor that is kept in self"
            )


def check_steps(trial: Trial) -> None:
    """Check that a sequence in pieces gives what the whole sequence gives."""
    inputs = trial.inputs(LONG, 3)
    whole, _ = trial.run(inputs, trial.start(3, LONG_CAPACITY))
    state = trial.start(3, LONG_CAPACITY)
    for t in range(LONG):
        logits, state = trial.run(inputs[t : t + 1], state)
        if difference := trial.difference(logits[0], whole[t]):
            raise ModelError(
                f"step by step (T = 1) the logits of step {t} differ by {difference:.2g} from those of "
                "the whole sequence; expected the same: everything that a later step needs has to be in "
                "the returned state, and a step may not see later inputs"
            )
    _, state = trial.run(inputs[:5], trial.start(3, LONG_CAPACITY))
    logits, _ = trial.run(inputs[5:], state)
    if difference := trial.difference(logits, whole[5:]):
        raise ModelError(
            f"from the state after 5 steps, the logits of further steps at once (T = {LONG - 5}) differ by "
            f"{difference:.2g} from those of the whole sequence; expected the same: forward has to go on "
            "from the state that it is given for any T, as in learning from rewards"
        )


def check_rows(trial: Trial) -> None:
    """Check that the episodes of a batch do not influence each other."""
    inputs = trial.inputs(LONG, 3)
    changed = torch.cat((1 - inputs[:, :1], inputs[:, 1:]), 1)
    logits, _ = trial.run(inputs, trial.start(3, LONG_CAPACITY))
    others, _ = trial.run(changed, trial.start(3, LONG_CAPACITY))
    alone, _ = trial.run(inputs[:, 2:], trial.start(1, LONG_CAPACITY))
    for what, seen in (("other inputs in row 0", others[:, 2]), ("a batch of its own", alone[:, 0])):
        if difference := trial.difference(seen, logits[:, 2]):
            raise ModelError(
                f"with {what} the logits of row 2 change by {difference:.2g}; expected rows of a batch "
                "not to influence each other: look for a view that mixes dimensions up, or a mean, norm "
                "or softmax over dimension 1, which is the batch"
            )


def check_rows_apart(trial: Trial) -> None:
    """Check that rows of states can be chosen, put in another order and started anew, as trainers do."""
    inputs = trial.inputs(LONG, 3)
    whole, _ = trial.run(inputs, trial.start(3, LONG_CAPACITY))

    def after(steps: int) -> State:
        state = trial.start(3, LONG_CAPACITY)
        return trial.run(inputs[:steps], state)[1] if steps else state

    def check(rows: list[int], taken: list[int], state: State, what: str) -> None:
        """Take four more steps with rows that have taken some."""
        pieces = [slice(steps, steps + 4) for steps in taken]
        places = list(zip(pieces, rows, strict=True))
        try:
            logits, _ = trial.run(torch.stack([inputs[piece, row] for piece, row in places], 1), state)
            difference = trial.difference(
                logits, torch.stack([whole[piece, row] for piece, row in places], 1)
            )
            found = f"the logits of four further steps differ by {difference:.2g}" if difference else ""
        except ModelError as error:
            found = str(error)
        if found:
            raise ModelError(
                f"with {what}, {found}; expected each row of a state to be all that this row goes on "
                "from, in any batch. Rows begin and end at different times: a position in a sequence or a "
                "cache is a tensor [B] of the state, with a value of its own for each row"
            )

    check([2, 0], [5, 5], mapped(lambda part: part[[2, 0]], after(5)), "rows 2 and 0 of a batch of three")
    check([1], [5], mapped(lambda part: part[1:2], after(5)), "row 1 of a batch of three")

    def row_by_row(*parts: Tensor) -> Tensor:
        return torch.stack([part[row] for row, part in enumerate(parts)])

    apart = mapped(row_by_row, after(5), after(0), after(2))
    check([0, 1, 2], [5, 0, 2], apart, "rows that have taken 5, 0 and 2 steps")


def _copied(state: State) -> list[tuple[str, Tensor]]:
    return [(name, tensor.clone()) for name, tensor in tensors(state)]


def _changed(before: list[tuple[str, Tensor]], state: State) -> str:
    """Return the name of the first tensor of a state that has other values than before; or nothing."""
    pairs = zip(before, tensors(state), strict=True)
    return next((name for (name, old), (_, new) in pairs if not torch.equal(old, new)), "")


def _generators() -> tuple[Tensor, ...]:
    """Return the states of the global generators of torch, NumPy and Python."""
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002
    numbers = (*np.asarray(keys).tolist(), int(position)), random.getstate()[1]
    return torch.get_rng_state(), *(torch.tensor(part) for part in numbers)
