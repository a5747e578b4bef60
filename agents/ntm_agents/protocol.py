"""What a model is: any ``torch.nn.Module`` with two methods.

Shape letters: B batch, T time steps, I input and O output channels.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, Protocol, TypeAlias, cast, get_type_hints

from torch import Tensor

State: TypeAlias = "Tensor | tuple[State, ...]"
"""A tensor or a (nested, possibly named) tuple of tensors, each with the batch in dimension 0."""


class Model(Protocol):
    """A sequence model, built as ``Model(input_size, output_size, **config)``.

    It may have ``trace(state) -> dict[str, Tensor]`` as well: what to show of its state in pictures,
    each tensor with the batch in dimension 0.
    """

    def initial_state(self, batch_size: int, capacity: int) -> State:
        """Return the state at the start of episodes.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their number of steps, a power of two: what may size an external
                memory (:func:`ntm_envs.capacity`).
        """

    def __call__(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Go on from a state by T >= 1 steps.

        Args:
            inputs: ``[T, B, I]``.
            state: What `initial_state` or the last call returned.

        Returns:
            The logits ``[T, B, O]`` and the state after the last step.
        """


def config_class(model: type[Any]) -> type[Any]:
    """Return the frozen dataclass of a model's configuration.

    It is the class attribute ``Config`` if there is one, and otherwise made from the keyword parameters
    of ``__init__`` behind ``input_size`` and ``output_size``.

    Raises:
        TypeError: If a parameter has no default value.
    """
    if dataclasses.is_dataclass(config := getattr(model, "Config", None)):
        return cast("type[Any]", config)
    parameters = list(inspect.signature(model).parameters.values())[2:]
    hints = get_type_hints(model.__init__)
    fields: list[Any] = []
    for parameter in parameters:
        if parameter.default is parameter.empty:
            raise TypeError(
                f"{model.__name__}.__init__ needs {parameter.name!r}; models are built as "
                f"{model.__name__}(input_size, output_size, **config), so give it a default value"
            )
        hint = hints.get(parameter.name, type(parameter.default))
        fields.append((parameter.name, hint, dataclasses.field(default=parameter.default)))
    return dataclasses.make_dataclass(f"{model.__name__}Config", fields, frozen=True, kw_only=True)
