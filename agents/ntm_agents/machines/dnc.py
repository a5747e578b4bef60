"""The Differentiable Neural Computer, to be read beside the Methods of its paper.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016). Masking, de-allocation and the sharpening of links, off by default, are from Csordas and
Schmidhuber, *Improving Differentiable Neural Computers* (arXiv 1904.10278). The page `docs/equations-dnc.md`
goes through the equations, each with the function that computes it.

Shape letters: B batch, T time steps, I/L input channels and logits, C hidden size of the controller, N memory
slots, M width of a slot, R read heads, H = 1 + R heads, K entries of a row of sparse links.

Example:
    >>> model = DNC(9, 8, read_heads=2)
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.usage.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 8]))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing, allocation, sparse_links
from ntm_agents.controllers import Controller
from ntm_agents.fusing import redefined, unknown_controller
from ntm_agents.interface import Interface, InterfaceConfig, InterfaceParameters
from ntm_agents.kernels.checks import check_indices
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.observed import observer
from ntm_agents.options import Choices, Few, NonNegative, Positive

STEP = ("step", "_write", "_link", "_read", "_look_up")
"""Methods that a step consists of, and that the fused kernel computes instead."""


@dataclass(frozen=True, kw_only=True)
class DNCConfig(InterfaceConfig):
    """Options of a DNC, none of which depends on the number of slots."""

    controller: Literal["feedforward", "lstm", "gru"] = "lstm"
    """Kind of the controller (paper: the first two)."""
    hidden_size: Annotated[Positive, Choices((48, 64, 100))] = 100
    """Hidden size C of each layer of the controller (paper: 64 to 256, by task)."""
    num_layers: Few = 1
    """Number of layers of the controller (paper: 1 to 3)."""
    orthogonal_init: bool = True
    """True if the initial recurrent weights of the controller are orthogonal; otherwise they are uniform."""
    controller_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the lowest layer's pre-activations. Not in the paper, so off.
    Used in training only; evaluation always uses 0."""
    memory_slots: Positive | None = None
    """Number of slots N; None for the episode's bound of steps (paper: 16 to 256, by task)."""
    epsilon: NonNegative = 1e-6
    """Addend of the product of norms in the similarity, for empty slots and keys (paper: none)."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of the recurrence: plain PyTorch, or a fused kernel, many times as fast and equal up to
    rounding, which decides between slots that tie in usage or links. Auto takes the fused one where it
    applies: on a CPU, with Numba installed, for a feed-forward or LSTM controller of one layer."""


class DNCState(NamedTuple):
    """State of a DNC between two steps."""

    memory: Tensor
    """M, ``[B, N, M]``."""
    weightings: Tensor
    """Write weighting and read weightings, ``[B, H, N]``, each with a sum of at most 1."""
    usage: Tensor
    """u in [0, 1], ``[B, N]``."""
    links: tuple[Tensor, ...]
    """Precedence weighting p ``[B, N]`` and link matrix L ``[B, N, N]``; of sparse links, p, entries
    ``[B, N, K]`` and their columns, int64 ``[B, N, K]``; without links nothing."""
    reads: Tensor
    """Read vectors r, side by side, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """State of the controller's layers, ``[B, C]`` each."""


class DNC(MemoryMachine[DNCState]):
    """A controller with a memory that it allocates, frees, and reads in the order of its writes.

    Differences from the paper:

    - By default the memory is as large as the episode's upper bound of steps (`memory_slots`). No parameter
      depends on the number of slots, so a trained machine runs with any.
    - Of several layers of the controller, the lowest alone sees inputs and read vectors, and only the output
      of the highest leaves it; in the paper all see them, and all outputs leave.
    - The linear layers of interface and output have biases.
    - Sparse links keep the K largest entries of each row; the paper drops those below 1 / K.
    - A usage below 1e-6 counts as that in the allocation, whose gradient would otherwise not be finite.
    - `masking`, `deallocation`, `link_sharpening`, `least_usage`, `skip_connection`, `write_activation`,
      `write_init`, `key_init`, a GRU and `controller_noise` are not in the paper, and off by default.

    Choices where the paper is silent:

    - All of the state starts at zero, as does the memory.
    - The look-up of the write head sees the memory before `deallocation`.
    - Weights of the interface start by Glorot and Bengio's uniform rule, and biases as configured.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `DNCConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[DNCConfig]] = DNCConfig
    agent: ClassVar[str] = "dnc"
    integers: ClassVar[Mapping[str, torch.dtype]] = {"state.links[2]": torch.int64}

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = self.Config(**config)
        self._read_size = c.read_heads * c.memory_width
        self._redefined = redefined(type(self), STEP)
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
        self.interface = Interface(features if c.skip_connection else c.hidden_size, c)
        self.output = nn.Linear(features, output_size)
        self.interface.initialise()
        if c.skip_connection:
            self.skip = nn.Linear(input_size, self.interface.out_features, bias=False)
            nn.init.xavier_uniform_(self.skip.weight)
        if c.write_init == "orthogonal":
            self.interface.orthogonalise_writes(self.skip.weight)
        if c.key_init == "chain":
            self.interface.chain_keys(self.skip.weight)

    def initial_state(self, batch_size: int, capacity: int) -> DNCState:
        """Return the state at the start of episodes: zeros.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps: the number of slots N, unless `memory_slots` fixes it.
        """
        shapes = self.state_shapes(batch_size, self.config.memory_slots or capacity)
        memory, weightings, usage, *others = (self.output.weight.new_zeros(shape) for shape in shapes)
        count = len(others) - 1 - self.controller.tensors
        links, (reads, *controller) = others[:count], others[count:]
        if count == 3:
            links[2] = links[2].to(torch.int64)
        return DNCState(memory, weightings, usage, tuple(links), reads, tuple(controller))

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c = self.config
        links: tuple[tuple[int, ...], ...] = ()
        if c.links is None:
            links = (slots,), (slots, slots)
        elif c.links:
            links = (slots,), *(2 * ((slots, min(slots, c.links)),))
        rows = ((slots, c.memory_width), (1 + c.read_heads, slots), (slots,), *links, (self._read_size,))
        layers = self.controller.tensors * ((c.hidden_size,),)
        return [(batch_size, *row) for row in rows + layers]

    def check_state(self, inputs: Tensor, state: DNCState) -> None:
        """Check that a state fits, and that the columns of sparse links are slots; see `MemoryMachine`."""
        super().check_state(inputs, state)
        if len(state.links) == 3 and not observer():  # which would see the numbers
            check_indices("state.links[2]", state.links[2], state.memory.shape[1])

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs and biases in controller and interface vector; see `MemoryMachine`."""
        vectors = self.interface.bias.expand(*inputs.shape[:2], -1)
        if self.config.skip_connection:
            vectors = vectors + functional.linear(inputs, self.skip.weight)
        return self.controller.project(inputs), vectors

    def step(self, state: DNCState, *projected: Tensor) -> tuple[DNCState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        addend, vector_addend = projected
        output, controller = self.controller(addend, state.reads, state.controller)
        seen = torch.cat((state.reads, output), 1) if self.config.skip_connection else output
        vector = torch.addmm(vector_addend, seen, self.interface.weight.t())
        parameters = self.interface.parameters_of(vector)
        memory, writing, usage = self._write(parameters, state)
        links = self._link(state.links, writing)
        reading = self._read(
            parameters, memory, links, state.weightings[:, 1:], usage + writing * (1 - usage)
        )
        reads = addressing.read(memory, reading).flatten(1)
        weightings = torch.cat((writing.unsqueeze(1), reading), 1)
        return DNCState(memory, weightings, usage, links, reads, controller), (reads, output)

    def _write(self, parameters: InterfaceParameters, state: DNCState) -> tuple[Tensor, Tensor, Tensor]:
        """Return the memory after the write, the write weighting ``[B, N]``, and the usage before it."""
        p, written, reading = parameters, state.weightings[:, 0], state.weightings[:, 1:]
        retained = allocation.retention(reading, p.free_gates)  # psi
        usage = allocation.use(state.usage, written, retained)  # u
        content = self._look_up(p, state.memory, slice(1), usage).squeeze(1)  # c^w
        free = allocation.allocate(usage)  # a
        writing = p.write_gate * torch.lerp(content, free, p.allocation_gate)  # w^w
        kept = state.memory * retained.unsqueeze(2) if self.config.deallocation else state.memory
        return addressing.write(kept, writing.unsqueeze(1), p.erase, p.write), writing, usage

    def _link(self, links: tuple[Tensor, ...], writing: Tensor) -> tuple[Tensor, ...]:
        """Return precedence weighting and links after a write."""
        if not links:
            return ()
        precedence, *entries = links
        linked: tuple[Tensor, ...]  # L
        if len(entries) == 1:
            linked = (allocation.link(entries[0], precedence, writing),)
        else:
            linked = sparse_links.link(entries[0], entries[1], precedence, writing)
        return allocation.precede(precedence, writing), *linked

    def _read(
        self,
        parameters: InterfaceParameters,
        memory: Tensor,
        links: tuple[Tensor, ...],
        previous: Tensor,
        usage: Tensor,
    ) -> Tensor:
        """Return the read weightings ``[B, R, N]``, given the previous ones and the usage after the write."""
        content = self._look_up(parameters, memory, slice(1, None), usage)  # c^r
        if parameters.modes is None:
            return content
        entries = links[1:]
        if len(entries) == 1:
            backward, forward = allocation.follow(entries[0], previous)  # b, f
        else:
            backward, forward = sparse_links.follow(entries[0], entries[1], previous)
        if parameters.powers is not None:
            backward = allocation.sharpen_links(backward, parameters.powers[:, :, :1])
            forward = allocation.sharpen_links(forward, parameters.powers[:, :, 1:])
        ways = torch.stack((backward, content, forward), 2)  # (B, R, 3, N)
        return (parameters.modes.unsqueeze(3) * ways).sum(2)  # w^r

    def _look_up(
        self, parameters: InterfaceParameters, memory: Tensor, heads: slice, usage: Tensor
    ) -> Tensor:
        """Return the weightings by content of some heads."""
        p, masks = parameters, parameters.masks
        chosen = None if masks is None else masks[:, heads]
        similarities = addressing.similarity(memory, p.keys[:, heads], self.config.epsilon, chosen)
        used = usage >= self.config.least_usage if self.config.least_usage else None
        return addressing.content_weighting(similarities, p.strengths[:, heads], used)

    def _why_not_fused(self) -> str:
        if reason := super()._why_not_fused():
            return reason
        c = self.config
        if self._redefined:
            return f"{type(self).__name__} has a {self._redefined} of its own"
        if type(self.interface).parameters_of is not Interface.parameters_of:
            return f"the interface is {type(self.interface).__name__}"
        return unknown_controller(c.controller, c.num_layers, self.controller)

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: DNCState, keep: bool
    ) -> tuple[Tensor, Tensor | None, DNCState]:
        from ntm_agents.kernels.dnc import infer, recur  # needs Numba

        result = (recur if keep else infer)(*self._kernel_arguments(projected, state))
        return result.features, result.weightings, DNCState(*result.state)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: DNCState) -> tuple[Any, ...]:
        """Return the arguments of :func:`ntm_agents.kernels.dnc.recur`."""
        from ntm_agents.kernels.dnc import Inputs, Options, State, Weights

        c = self.config
        options = Options(
            masking=c.masking,
            deallocation=c.deallocation,
            link_sharpening=c.link_sharpening,
            write_activation=c.write_activation,
            least_usage=c.least_usage,
            epsilon=c.epsilon,
        )
        weights = Weights(self.controller.lowest.weight, self.interface.weight)
        return options, Inputs(*projected), weights, State(*state)

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of read vectors and the controller's output."""
        logits: Tensor = self.output(features)
        return logits

    def trace(self, state: DNCState) -> dict[str, Tensor]:
        """Return weightings ``[B, 1, N]`` and ``[B, R, N]``, usage ``[B, 1, N]`` and memory ``[B, N, M]``.

        For pictures; with them come the links ``[B, N, N]``, if there are any.
        """
        shown = {
            "write weighting": state.weightings[:, :1],
            "read weighting": state.weightings[:, 1:],
            "usage": state.usage.unsqueeze(1),
            "memory": state.memory,
        }
        if state.links:
            _, *entries = state.links
            shown["links"] = entries[0] if len(entries) == 1 else sparse_links.dense(*entries)
        return shown
