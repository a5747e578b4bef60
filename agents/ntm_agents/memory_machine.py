"""The recurrence of a memory machine: a subclass defines one step, and this takes many.

The shares of the inputs are computed for all steps at once before the recurrence, and the logits for all
steps at once after it.

`agents/README.md` has a whole machine as an example, which a test trains.

Shape letters: B batch, T time steps, I input channels, L logits, F features, H heads, N memory slots.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from typing import ClassVar, Generic, Literal, Protocol, Self, TypeVar, cast

import torch
from torch import Tensor, nn

from ntm_agents.observed import observer
from ntm_agents.protocol import State, tensors

_HAS_NUMBA = find_spec("numba") is not None

DTYPES = (torch.float32, torch.float64, torch.bfloat16)
"""Types that a machine may have."""
STEPS = 32
"""Without gradients, steps are taken in pieces of a multiple of so many."""
NUMBERS = 2**20
"""Number of intermediate values that a piece may have, unless the memory, which is copied once a piece, has
more. It is small enough for the next piece to reuse the space of the last."""


class MemoryState(Protocol):
    """State of a machine: a named tuple with the batch in dimension 0, of these tensors and any others."""

    @property
    def memory(self) -> Tensor:
        """``[B, N, M]``."""

    @property
    def weightings(self) -> Tensor:
        """Weightings of all heads ``[B, H, N]``, with sums of at most 1; or ``[B, H, K]``, of K slots."""


S = TypeVar("S", bound=MemoryState)


class MemoryMachine(nn.Module, ABC, Generic[S]):
    """A machine that steps through a sequence with a memory as its state.

    Attributes:
        agent: Name of the agent whose pretrained machines `from_pretrained` returns by default.
        integers: Types of the tensors of a state that have integers, by names such as ``state.slots``; all
            others have the type of the model.
    """

    agent: ClassVar[str] = "ntm"
    integers: ClassVar[Mapping[str, torch.dtype]] = {}

    @abstractmethod
    def initial_state(self, batch_size: int, capacity: int) -> S:
        """Return the state at the start of episodes; see :class:`ntm_agents.protocol.Model`."""

    @abstractmethod
    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs ``[T, B, I]`` that steps need: tensors ``[T, B, ...]``."""

    @abstractmethod
    def step(self, state: S, *projected: Tensor) -> tuple[S, tuple[Tensor, ...]]:
        """Take one step.

        Args:
            state: State after the last step.
            *projected: What `project` returned for this step, ``[B, ...]`` each.

        Returns:
            The state after this step, and the parts of its features, ``[B, F]`` side by side.
        """

    @abstractmethod
    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of features ``[T, B, F]``."""

    @abstractmethod
    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of all tensors of a state for N slots, in their order, without nesting."""

    @property
    def kernel(self) -> Literal["reference", "fused"]:
        """Implementation of the recurrence on the present device; `config.kernel`, if any, chooses."""
        choice = getattr(getattr(self, "config", None), "kernel", "auto")
        if choice == "reference":
            return "reference"
        reason = self._why_not_fused()
        if reason and choice == "fused":
            raise ValueError(f"kernel is 'fused', which does not apply: {reason}; use 'auto' or 'reference'")
        return "reference" if reason else "fused"

    def _why_not_fused(self) -> str:
        """Return the reason why there is no fused kernel for this machine, or an empty string."""
        if type(self)._recur_fused is MemoryMachine._recur_fused:
            return f"{type(self).__name__} has none"
        like = next(self.parameters())
        if like.device.type != "cpu" or like.dtype not in (torch.float32, torch.float64):
            return f"the model is {like.dtype} on {like.device}"
        if not _HAS_NUMBA:
            return "Numba is not installed (extra 'fast')"
        return f"{name} observes each operation" if (name := observer()) else ""

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: S, keep: bool
    ) -> tuple[Tensor, Tensor | None, S]:
        """Take T steps by a fused kernel; the arguments and results are those of `recur`."""
        raise NotImplementedError

    def recur(self, projected: tuple[Tensor, ...], state: S, keep: bool) -> tuple[Tensor, Tensor | None, S]:
        """Take T steps, by the fused kernel where it applies.

        Under `torch.autocast` they stay in the state's type, as rounding adds up from step to step.

        Args:
            projected: What `project` returned.
            state: State before the first step.
            keep: Whether to return the weightings of each step.

        Returns:
            Features ``[T, B, F]``; weightings ``[T, B, H, N]``, or None; and the state after the last step.

        Raises:
            TypeError: If `project` or `step` returned something else than tuples.
        """
        if not isinstance(projected, tuple):
            raise TypeError(
                f"project returned a {type(projected).__name__}; expected a tuple of tensors [T, B, ...]"
            )
        device = state.memory.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                exact = (
                    part.to(state.memory.dtype) if part.is_floating_point() else part for part in projected
                )
                return self.recur(tuple(exact), state, keep)
        if self.kernel == "fused":
            return self._recur_fused(projected, state, keep)
        return self._recur_by_step(projected, state, keep)

    def _recur_by_step(
        self, projected: tuple[Tensor, ...], state: S, keep: bool
    ) -> tuple[Tensor, Tensor | None, S]:
        """Take T steps, each a call of `step`; the arguments and results are those of `recur`."""
        features: list[Tensor] = []
        weightings: list[Tensor] = []
        steps = zip(*(tensor.unbind(0) for tensor in projected), strict=True)
        for each in steps:  # indexing by step would cost T * T in the backward pass
            state, parts = self.step(state, *each)
            if not isinstance(parts, tuple):
                raise TypeError(
                    f"step returned a {type(parts).__name__} behind the state; expected a tuple of features "
                    "[B, F]"
                )
            features += parts
            if keep:
                weightings.append(state.weightings)
        T, B, *_ = projected[0].shape
        rows = torch.cat(features, 1).view(B, T, -1)
        return rows.transpose(0, 1), torch.stack(weightings) if keep else None, state

    def forward(self, inputs: Tensor, state: S) -> tuple[Tensor, S]:
        """Take T steps from a state.

        Args:
            inputs: ``[T, B, I]``.
            state: What `initial_state` or the last call returned.

        Returns:
            The logits ``[T, B, L]`` and the state after the last step.

        Raises:
            ValueError: If the state does not fit the inputs or the model.
        """
        self.check_state(inputs, state)
        if torch.is_grad_enabled():
            features, _, state = self.recur(self.project(inputs), state, keep=True)
            return self.read_out(features), state
        logits = []
        for piece in torch.split(inputs, self._piece(inputs, state)):
            features, _, state = self.recur(self.project(piece), state, keep=False)
            logits.append(self.read_out(features))
        return torch.cat(logits), state

    def with_penalty(self, inputs: Tensor, state: S) -> tuple[Tensor, Tensor]:
        """Return the logits ``[T, B, L]``, and the mean entropy of all weightings in nats: their blur.

        Raises:
            ValueError: If the state does not fit the inputs or the model.
        """
        self.check_state(inputs, state)
        features, weightings, _ = self.recur(self.project(inputs), state, keep=True)
        assert weightings is not None
        logs = weightings.clamp(min=torch.finfo(weightings.dtype).tiny).log()
        return self.read_out(features), -(weightings * logs).sum(3).mean()

    @classmethod
    def from_pretrained(cls, task: str, agent: str | None = None) -> Self:
        """Return a pretrained machine of the package, in evaluation mode.

        It has the default type and is on the default device of PyTorch, like a new one.

        Args:
            task: Name of the task that it was trained on, such as ``copy``.
            agent: Name of the agent, such as ``ntm-jump``; None for the `agent` of the class.

        Raises:
            ValueError: If there is none for the task.
            TypeError: If it is not of this class.
        """
        from ntm_agents.pretrained import pretrained
        from ntm_agents.training.run import load_run  # which imports models, by their names

        model, run = load_run(pretrained(agent or cls.agent, task))
        if not isinstance(model, cls):
            raise TypeError(f"{run.agent} on {task} is of the class {run.entry}; expected {cls.__name__}")
        return model.to(torch.get_default_device(), torch.get_default_dtype())

    def check_state(self, inputs: Tensor, state: S) -> None:
        """Check that inputs and a state fit the model and each other.

        Raises:
            ValueError: If there is no step or no sequence, if it is no state of this machine, or if a tensor
                does not have the shape, type or device that inputs, model and memory ask for.
        """
        owner, like = type(self).__name__, next(self.parameters())
        if like.dtype not in DTYPES:
            raise ValueError(
                f"the model is {like.dtype}, whose range is too small for weightings and norms; expected "
                f"{', '.join(map(str, DTYPES))}"
            )
        if inputs.dim() != 3 or 0 in inputs.shape[:2]:
            raise ValueError(
                f"the inputs have shape {tuple(inputs.shape)}; expected [T, B, I], with at least one step "
                "and one sequence"
            )
        if not hasattr(state, "memory"):
            raise ValueError(
                f"the state is a {type(state).__name__}; expected what initial_state of {owner} returns"
            )
        if not hasattr(state, "weightings"):
            raise ValueError("the state has no weightings; expected a named tuple with memory and weightings")
        given = list(tensors(cast("State", state)))
        if state.memory.dim() != 3:
            raise ValueError(f"state.memory has shape {tuple(state.memory.shape)}; expected [B, N, M]")
        shapes = self.state_shapes(inputs.shape[1], state.memory.shape[1])
        if len(given) != len(shapes):
            raise ValueError(
                f"the state has {len(given)} tensors ({', '.join(name for name, _ in given)}); expected the "
                f"{len(shapes)} that initial_state of {owner} returns, a shape for each in its state_shapes"
            )
        for (name, tensor), shape in zip(given, shapes, strict=True):
            if tensor.shape != shape:
                raise ValueError(
                    f"{name} has shape {tuple(tensor.shape)}; expected {shape}, as the inputs have shape "
                    f"{tuple(inputs.shape)} and the memory has {tuple(state.memory.shape)}"
                )
            dtype = self.integers.get(name, like.dtype)
            if tensor.dtype != dtype:
                why = "" if name in self.integers else ", as the model is"
                raise ValueError(f"{name} is {tensor.dtype}; expected {dtype}{why}")
            if tensor.device != like.device:
                raise ValueError(f"{name} is on {tensor.device}; expected {like.device}, as the model is")

    def _piece(self, inputs: Tensor, state: S) -> int:
        """Return the number of steps of a piece; a step has about as many values as all weights have rows."""
        if len(inputs) <= STEPS:
            return STEPS
        values = inputs.shape[1] * sum(p.shape[:1].numel() for p in self.parameters())
        steps = max(NUMBERS, state.memory.numel()) // max(1, values)
        return max(STEPS, steps // STEPS * STEPS)
