"""The protocol of models: any ``torch.nn.Module`` with two methods.

Shape letters: B batch, T time steps, I input channels, L logits (one for each bit, k for a symbol of k
classes: `Task.output_size`).

Example:
    A GRU, whose state PyTorch keeps as ``[layers, B, hidden_size]``::

        class GRU(nn.Module):
            def __init__(self, input_size: int, output_size: int, hidden_size: int = 64) -> None:
                super().__init__()
                self.gru = nn.GRU(input_size, hidden_size)
                self.output = nn.Linear(hidden_size, output_size)

            def initial_state(self, batch_size, capacity):
                return self.output.weight.new_zeros(batch_size, self.gru.hidden_size)

            def forward(self, inputs, state):
                hidden, state = self.gru(inputs, state.unsqueeze(0))
                return self.output(hidden), state.squeeze(0)
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias, cast, get_type_hints

import torch
from torch import Tensor

from ntm_envs.tasks import Task

State: TypeAlias = "Tensor | tuple[State, ...]"
"""A tensor or a (nested, possibly named) tuple of tensors, each with the batch in dimension 0."""


class Model(Protocol):
    """A sequence model, built as ``Model(input_size, output_size, **config)``.

    It may also have:

    - ``trace(state) -> dict[str, Tensor]``: tensors to show in pictures, that is weightings
      ``[B, heads, N]``, under names that end so, the ``memory`` ``[B, N, M]``, and where there are any, the
      ``usage`` of slots ``[B, 1, N]`` and ``links`` between them ``[B, N, N]``.
    - ``with_penalty(inputs, state) -> (logits, penalty)``: a number that training adds to the loss
      (`TrainConfig.penalty`).
    - ``with_auxiliary_loss(inputs, state, costs) -> (logits, loss)``, or None: a number that supervised
      training adds to the cross-entropy, for models with choices that no gradient goes through. It is called
      in training mode, in place of `forward`; ``costs(logits)`` returns the share of each step in the mean
      cross-entropy, ``[T, B]``.
    - ``reuses_state = True``, a class attribute, for one with a large memory, such as the cache of a
      Transformer: while gradients are disabled (`torch.is_grad_enabled`), it writes into the tensors of the
      state that it is given and returns them, instead of copying all of them at each step. `preserved` is
      for those who need the state afterwards.
    - ``for_task(task, **config)``, a class method that builds the model instead, for one that needs more of a
      task than two sizes, such as the names of its input channels. `build` calls it.

    :func:`ntm_agents.testing.check_model` reports the mistakes of a model.
    """

    def initial_state(self, batch_size: int, capacity: int) -> State:
        """Return the state at the start of episodes.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their number of steps, a power of two, which may size an
                external memory (:func:`ntm_envs.capacity`). No row takes more steps, padding included.
        """

    def __call__(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Take T >= 1 steps from a state; a module defines it as ``forward``.

        Args:
            inputs: ``[T, B, I]``.
            state: What `initial_state` or the last call returned.

        Returns:
            The logits ``[T, B, L]`` and the state after the last step.
        """


def build(model: Callable[..., Any], task: Task, **config: Any) -> Any:
    """Return a model for a task: ``model.for_task(task, **config)``, if it has that (see `Model`).

    Example:
        >>> from ntm_agents import JumpNTM
        >>> from ntm_envs import tasks
        >>> build(JumpNTM, tasks.get("repeat_copy"), counter_channels=("count",)).offers.shape
        torch.Size([1])

    Raises:
        TypeError: If the model has no such option.
        ValueError: If the value of an option is not possible.
    """
    make = getattr(model, "for_task", None)
    return make(task, **config) if make else model(task.input_size, task.output_size, **config)


def tensors(state: State, path: str = "state") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a state, each with a name for error messages.

    Example:
        >>> import torch
        >>> [name for name, _ in tensors((torch.zeros(2), (torch.zeros(2),)))]
        ['state[0]', 'state[1][0]']

    Raises:
        TypeError: If something in it is neither a tensor nor a tuple.
    """
    if isinstance(state, Tensor):
        yield path, state
    elif isinstance(state, tuple):
        names = [f".{name}" for name in getattr(state, "_fields", ())] or [
            f"[{i}]" for i in range(len(state))
        ]
        for name, part in zip(names, state, strict=True):
            yield from tensors(part, path + name)
    else:
        raise TypeError(f"{path} is of type {type(state).__name__}; expected a tensor or a tuple of tensors")


def mapped(function: Callable[..., Tensor], *states: State) -> State:
    """Apply a function to the corresponding tensors, or arrays, of states of one structure; return a state.

    Example:
        >>> import torch
        >>> mapped(torch.add, (torch.ones(1), torch.ones(1)), (torch.ones(1), torch.zeros(1)))
        (tensor([2.]), tensor([1.]))
    """
    first = states[0]
    if not isinstance(first, tuple):
        return function(*states)
    parts = [mapped(function, *parts) for parts in zip(*states, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)


def preserved(model: Any, state: State) -> State:
    """Return a state for a model to step from where `state` is needed afterwards.

    It is a copy if the model writes into states (`reuses_state`, see `Model`) and gradients are disabled.
    """
    changes = getattr(model, "reuses_state", False) and not torch.is_grad_enabled()
    return mapped(Tensor.clone, state) if changes else state


def config_class(model: type[Any]) -> type[Any]:
    """Return the frozen dataclass of a model's configuration.

    It is the class attribute ``Config`` if there is one, and otherwise made from the parameters of
    ``__init__`` behind ``input_size`` and ``output_size``.

    Raises:
        TypeError: If a parameter has no default value.
    """
    if dataclasses.is_dataclass(config := getattr(model, "Config", None)):
        return cast("type[Any]", config)
    hints = get_type_hints(model.__init__, include_extras=True)
    fields: list[Any] = []
    for name, parameter in list(inspect.signature(model).parameters.items())[2:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"{model.__name__}.__init__ takes {parameter}, which does not name its options; name "
                "each, with a default value, or have a frozen dataclass as the class attribute Config"
            )
        if parameter.default is parameter.empty:
            raise TypeError(
                f"{model.__name__}.__init__ needs {name!r}; models are built as "
                f"{model.__name__}(input_size, output_size, **config), so give it a default value"
            )
        hint = hints.get(name, type(parameter.default))
        fields.append((name, hint, dataclasses.field(default=parameter.default)))
    return dataclasses.make_dataclass(f"{model.__name__}Config", fields, frozen=True, kw_only=True)
