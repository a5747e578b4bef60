"""Sparse Access Memory, to be read beside section 3 of its paper.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016).
The page `docs/equations-sam.md` goes through the equations, each with the function that computes it.

Shape letters: B batch, T time steps, I/L input channels and logits, C hidden size of the controller, N memory
slots, M width of a slot, H heads, K slots that a head reads, V = H * M values that are read, P values of the
interface vector.

Example:
    >>> model = SAM(9, 8, heads=2)
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.slots.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing, sparse_access
from ntm_agents.controllers import Controller
from ntm_agents.fusing import redefined, unknown_controller
from ntm_agents.kernels.checks import check_indices
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.observed import observer
from ntm_agents.options import Choices, Few, NonNegative, Positive, Within, expect
from ntm_agents.sparse_interface import AccessParameters, SparseInterface, SparseInterfaceConfig

EXACT = 2**14
"""Largest number of slots that are all compared, if the index is chosen automatically."""
STEP = ("step", "_write", "_read")
"""Methods that a step consists of, and that the fused kernel computes instead."""


@dataclass(frozen=True, kw_only=True)
class SAMConfig(SparseInterfaceConfig):
    """Options of a SAM, none of which depends on the number of slots."""

    controller: Annotated[Literal["feedforward", "lstm", "gru"], Choices(("feedforward", "lstm"))] = "lstm"
    """Kind of the controller (paper: LSTM)."""
    hidden_size: Annotated[Positive, Choices((48, 64, 100))] = 100
    """Hidden size C of each layer of the controller (paper: 100)."""
    num_layers: Few = 1
    """Number of layers of the controller (paper: 1)."""
    orthogonal_init: bool = True
    """True if the initial recurrent weights of the controller are orthogonal; otherwise they are uniform."""
    controller_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the lowest layer's pre-activations. Not in the paper, so off.
    Used in training only; evaluation always uses 0."""
    memory_slots: Positive | None = None
    """Number of slots N, at least the number of heads; None for as many as the episode's bound of steps, or a
    multiple of it."""
    slots_per_step: Annotated[int, Within(1, 64), Choices((1, 2, 4))] = 1
    """Slots for each step of that bound. Each head may write to a free slot at every step, and what is read
    counts as used: where slots are as many as steps, words may be overwritten that are needed later."""
    index: Literal["auto", "exact", "approximate"] = "auto"
    """How the fused kernel finds the slots to read: by comparing all of them, or by an index that misses
    some. Auto takes the index for more than 16,384 slots. Plain PyTorch compares all."""
    tables: Annotated[int, Within(1, 256)] = 8
    """Number of tables L of the index: with more of them it misses less, and takes longer."""
    epsilon: NonNegative = 1e-6
    """Addend of the product of norms in the similarity, for empty slots and keys (paper: none)."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of the recurrence: plain PyTorch, which goes over all slots at each step, or a fused
    kernel, which does not. They are equal up to rounding, which decides between slots that tie in similarity.
    Auto takes the fused one where it applies: on a CPU, with Numba installed, for a feed-forward or LSTM
    controller of one layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        slots = self.memory_slots
        expect(
            slots is None or slots >= self.heads, "memory_slots", slots, f"at least {self.heads}, the heads"
        )


class SAMState(NamedTuple):
    """State of a SAM between two steps."""

    memory: Tensor
    """M, ``[B, N, M]``."""
    weightings: Tensor
    """Weights of the slots that each head read, w^R, ``[B, H, K]``, with a sum of at most 1."""
    slots: Tensor
    """Those slots, int64 ``[B, H, K]``."""
    usage: Tensor
    """Times of the last use of each slot, int64 ``[B, N]``."""
    tables: tuple[Tensor, ...]
    """Tables of the approximate index, int32 ``[B, L, 2 ** J, 16]``; nothing if the search is exact."""
    reads: Tensor
    """Read vectors r, side by side, ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """State of the controller's layers, ``[B, C]`` each."""
    links: tuple[Tensor, ...] = ()
    """Temporal links of an SDNC; nothing in a SAM."""


class SAM(MemoryMachine[SAMState]):
    """A controller with a large memory, of which each step touches a few slots.

    Differences from the paper:

    - By default the memory is as large as the episode's upper bound of steps (`memory_slots`). No parameter
      depends on the number of slots, so a trained machine runs with any.
    - The similarity is the cosine, times a key strength of at least 1, as in a DNC; the paper's interface
      vector has no strength.
    - `skip_connection`, `key_init`, feed-forward controllers, a GRU, several layers and `controller_noise`
      are not in the paper, and off by default.

    Choices where the paper is silent:

    - All of the state starts at zero, as does the memory. Of slots with the same similarity or the same time
      of last use the lower one comes first.
    - Each head has a key, gates and a vector to write of its own, and writes to what it has read itself, or
      to a free slot of its own: the first head to the least recently used one, the second to the next. All of
      these are erased before any head adds. An access is the sum of all weightings of a slot.
    - Weights of the interface start by Glorot and Bengio's uniform rule, and biases as configured.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `SAMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[SAMConfig]] = SAMConfig
    agent: ClassVar[str] = "sam"
    integers: ClassVar[Mapping[str, torch.dtype]] = {
        "state.slots": torch.int64,
        "state.usage": torch.int64,
        "state.tables[0]": torch.int32,
    }

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = self.Config(**config)
        self._redefined = redefined(type(self), STEP)
        self._read_size = c.heads * c.memory_width
        self.controller = Controller(
            c.controller,
            input_size,
            self._read_size,
            c.hidden_size,
            c.num_layers,
            noise=c.controller_noise,
            orthogonal_init=c.orthogonal_init,
        )
        features = self._read_size + c.hidden_size
        self.interface = SparseInterface(features if c.skip_connection else c.hidden_size, c)
        self.output = nn.Linear(features, output_size)
        self.interface.initialise()
        if c.skip_connection:
            self.skip = nn.Linear(input_size, self.interface.out_features, bias=False)
            nn.init.xavier_uniform_(self.skip.weight)
        if c.key_init != "random":
            self.interface.tie_keys(self.skip.weight)

    def initial_state(self, batch_size: int, capacity: int) -> SAMState:
        """Return the state at the start of episodes: zeros, and of each head the first slots.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps. There are `slots_per_step` times as many slots, and at least
                one for each head, unless `memory_slots` fixes their number.
        """
        c = self.config
        slots = c.memory_slots or max(c.slots_per_step * capacity, c.heads)
        like = self.output.weight
        memory, weightings, _, usage, *others = self.state_shapes(batch_size, slots)
        count = int(self._indexed(slots))
        index, (reads, *layers) = others[:count], others[count:]
        return SAMState(
            memory=like.new_zeros(memory),
            weightings=like.new_zeros(weightings),
            slots=torch.arange(weightings[2], device=like.device).repeat(*weightings[:2], 1),
            usage=like.new_zeros(usage, dtype=torch.int64),
            tables=tuple(like.new_zeros(shape, dtype=torch.int32) for shape in index),
            reads=like.new_zeros(reads),
            controller=tuple(like.new_zeros(shape) for shape in layers[: self.controller.tensors]),
        )

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c = self.config
        read = (c.heads, min(c.read_slots, slots))
        index = (self._table_shape(slots),) if self._indexed(slots) else ()
        layers = self.controller.tensors * ((c.hidden_size,),)
        rows = ((slots, c.memory_width), read, read, (slots,), *index, (self._read_size,), *layers)
        return [(batch_size, *row) for row in rows]

    def _indexed(self, slots: int) -> bool:
        """Return whether there is an approximate index for N slots."""
        choice = self.config.index
        wanted = slots > EXACT if choice == "auto" else choice == "approximate"
        return wanted and self.kernel == "fused"

    def _table_shape(self, slots: int) -> tuple[int, int, int]:
        """Return the shape of the tables of the index for N slots."""
        from ntm_agents.kernels.hashed import table_shape  # needs Numba

        return table_shape(self.config.tables, slots)

    def check_state(self, inputs: Tensor, state: SAMState) -> None:
        """Check that a state fits, and that there is a slot for each head; see `MemoryMachine`."""
        super().check_state(inputs, state)
        slots, heads = state.memory.shape[1], self.config.heads
        if slots < heads:
            raise ValueError(f"state.memory has {slots} slots; expected at least {heads}, the heads")
        if not observer():  # which would see the numbers
            check_indices("state.slots", state.slots, slots)

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs and biases in controller and interface vector; see `MemoryMachine`."""
        vectors = self.interface.bias.expand(*inputs.shape[:2], -1)
        if self.config.skip_connection:
            vectors = vectors + functional.linear(inputs, self.skip.weight)
        return self.controller.project(inputs), vectors

    def step(self, state: SAMState, *projected: Tensor) -> tuple[SAMState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        addend, vector_addend = projected
        output, controller = self.controller(addend, state.reads, state.controller)
        seen = torch.cat((state.reads, output), 1) if self.config.skip_connection else output
        p = self.interface.parameters_of(torch.addmm(vector_addend, seen, self.interface.weight.t()))
        written, writing = self._write(p, state)
        weightings, slots = self._read(p, written)
        reading = sparse_access.dense(weightings, slots, writing.shape[2])  # w^R
        reads = addressing.read(written.memory, reading).flatten(1)
        usage = sparse_access.use(state.usage, (writing + reading).sum(1))
        after = written._replace(
            weightings=weightings, slots=slots, usage=usage, tables=(), reads=reads, controller=controller
        )
        return after, (reads, output)

    def _write(self, parameters: AccessParameters, state: SAMState) -> tuple[SAMState, Tensor]:
        """Return the state with the memory after the write, and the write weightings ``[B, H, N]``."""
        p, slots = parameters, state.memory.shape[1]
        previous = sparse_access.dense(state.weightings, state.slots, slots)
        free = sparse_access.least_recently_used(state.usage, self.config.heads)  # I^U
        writing = sparse_access.write_weighting(previous, free, p.write_gates, p.read_gates)  # w^W
        return state._replace(memory=sparse_access.write(state.memory, writing, free, p.add)), writing

    def _read(self, parameters: AccessParameters, state: SAMState) -> tuple[Tensor, Tensor]:
        """Return the weights of the slots that heads read, and these slots, both ``[B, H, K]``.

        The state is that after the write, with the reads of the last step.
        """
        similarities = addressing.similarity(state.memory, parameters.keys, self.config.epsilon)
        count = min(self.config.read_slots, state.memory.shape[1])
        found, slots = sparse_access.largest(similarities, count)
        return addressing.content_weighting(found, parameters.strengths), slots

    def _why_not_fused(self) -> str:
        if reason := super()._why_not_fused():
            return reason
        c = self.config
        if self._redefined:
            return f"{type(self).__name__} has a {self._redefined} of its own"
        if type(self.interface).parameters_of is not SparseInterface.parameters_of:
            return f"the interface is {type(self.interface).__name__}"
        return unknown_controller(c.controller, c.num_layers, self.controller)

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: SAMState, keep: bool
    ) -> tuple[Tensor, Tensor | None, SAMState]:
        from ntm_agents.kernels.sam import infer, recur  # needs Numba

        result = (recur if keep else infer)(*self._kernel_arguments(projected, state))
        return result.features, result.weightings, SAMState(*result.state)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: SAMState) -> tuple[Any, ...]:
        """Return the arguments of :func:`ntm_agents.kernels.sam.recur`."""
        from ntm_agents.kernels.hashed import hyperplanes
        from ntm_agents.kernels.sam import Inputs, Options, State, Weights

        width = self.config.memory_width
        planes = state.memory.new_empty(0, width)
        for tables in state.tables:
            planes = hyperplanes(tables.shape[1], tables.shape[2], width, state.memory)
        weights = Weights(self.controller.lowest.weight, self.interface.weight, planes)
        return Options(epsilon=self.config.epsilon), Inputs(*projected), weights, State(*state[:-1])

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of read vectors and the controller's output."""
        logits: Tensor = self.output(features)
        return logits

    def trace(self, state: SAMState) -> dict[str, Tensor]:
        """Return read weightings ``[B, H, N]`` and the memory ``[B, N, M]``, for pictures."""
        reading = sparse_access.dense(state.weightings, state.slots, state.memory.shape[1])
        return {"read weighting": reading, "memory": state.memory}
