"""The Dynamic Neural Turing Machine, to be read beside its paper.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), sections 2 to 4. The page `docs/equations-dntm.md` goes through its equations.

Shape letters: B batch, T time steps, I/L input channels and logits, C hidden size of the controller, N memory
slots, A/D width of the address and of the content of a slot, M = A + D, W/R write and read heads, H = W + R
heads, P values for the memory.

Example:
    >>> model = DNTM(9, 8, hidden_size=32)
    >>> logits, state = model(torch.zeros(7, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape  # one slot more is the NOP cell
    (torch.Size([7, 2, 8]), torch.Size([2, 9, 16]))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing, slot_addresses
from ntm_agents.controllers import Controller
from ntm_agents.dntm_options import DNTMConfig
from ntm_agents.fusing import KINDS, hooked, one_product, redefined, unknown_controller
from ntm_agents.hard_attention import choose
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.reinforce import Reinforce

Costs = Callable[[Tensor], Tensor]

STEP = ("step", "_seen", "_behind", "_gate")
"""Methods that a step consists of, and that the fused kernel computes instead."""


class DNTMState(NamedTuple):
    """State of a D-NTM between two steps."""

    memory: Tensor
    """Contents of the slots, NOP cells first, ``[B, N, D]``."""
    addresses: Tensor
    """Addresses of the slots, which stay and are the same in all rows, ``[B, N, A]``."""
    weightings: Tensor
    """w of all heads, write heads first, without what falls on NOP cells, ``[B, H, N]``."""
    similarities: Tensor
    """v, the moving average of what was similar to the keys, ``[B, H, N]``."""
    reads: Tensor
    """Read vectors r, of each the address and then the content, side by side, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """State of the controller, ``[B, C]`` each."""


class DNTM(MemoryMachine[DNTMState]):
    """A controller with a memory whose slots have addresses, and heads that attend to one slot or to many.

    Differences from the paper:

    - An address is a function of the index j of its slot, with learned frequencies: all cos(f j), then all
      sin(f j). The paper learns a table, which fixes the number of slots. Here no parameter depends on it, a
      trained machine runs with any, and the way from each address to the next is the same rotation.
    - By default the memory is as large as the episode's upper bound of steps (`memory_slots`).
    - A choice of REINFORCE answers for the costs from its own step on; in the paper, for all of them.
    - Straight-through gradients, `by_content`, `follows`, controllers that see less (`feedback`), an LSTM,
      and a curriculum that draws for each sequence are not in the paper. There are no multi-step reads.

    Choices where the paper is silent:

    - Heads choose their slots by the memory at the beginning of the step and the controller's output, and the
      logits are linear in this output and the read vectors of the same step.
    - Before the first step all heads are at the first slot that is no NOP cell, and have read it.
    - In evaluation a hard head takes the most probable slot; of equal ones, the first.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `DNTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[DNTMConfig]] = DNTMConfig
    agent: ClassVar[str] = "dntm"
    batches: Tensor

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = self.Config(**config)
        self._heads = (c.write_heads, c.read_heads)
        self._width = c.address_width + c.memory_width
        self._head = (self._width, 1, *[1] * c.lru, *[1] * bool(c.follows))
        written = c.write_heads * c.memory_width
        self._sizes = [sum(self._heads) * sum(self._head), written, written, c.write_heads]
        self._draws = c.addressing == "hard" and c.gradient == "reinforce"
        self._redefined = redefined(type(self), STEP)
        read_size = c.read_heads * (self._width if c.feedback == "slot" else c.memory_width)
        feedback = 0 if c.feedback == "none" else read_size
        self.controller = Controller(c.controller, input_size, feedback, c.hidden_size)
        self.heads = nn.Linear(c.hidden_size, sum(self._sizes))
        self._by_content = [head for head, found in enumerate(c.by_content) if found]
        self._shares = [len(self._by_content) * c.memory_width, written, c.write_heads]
        self.inputs = nn.Linear(input_size, sum(self._shares), bias=False)
        self.output = nn.Linear(read_size + c.hidden_size, output_size)
        frequencies = slot_addresses.initial_frequencies(c.address_width)
        if c.learned_addresses:
            self.frequencies = nn.Parameter(frequencies)
        else:
            self.register_buffer("frequencies", frequencies)
        self.nop = nn.Parameter(torch.randn(c.nop_slots, c.address_width)) if c.nop_slots else None
        self._initialise()
        self.reinforce = None
        if c.addressing == "hard":  # last, so that hard and soft machines of a seed start alike
            self.register_buffer("batches", torch.zeros(()))
            if self._draws:
                self.reinforce = Reinforce(c.hidden_size, normalise=c.normalise, entropy=c.entropy)

    def _initialise(self) -> None:
        """Draw weights by Glorot and Bengio's uniform rule, and set biases and the keys of some heads."""
        c = self.config
        heads, found = sum(self._heads), self._by_content
        following = [head for head, other in enumerate(c.follows) if other and head not in found]
        nn.init.xavier_uniform_(self.heads.weight)
        with torch.no_grad():
            each, erase, *_ = self.heads.bias.zero_().split_with_sizes(self._sizes)
            erase.fill_(c.erase_bias)
            each = each.view(heads, -1)
            columns = [c.strength_bias] + [c.lru_bias] * c.lru + [c.gate_bias] * bool(c.follows)
            each[:, self._width :] = torch.stack([torch.tensor(b).expand(heads) for b in columns], 1)
            each[following, : c.address_width // 2] = 1  # cosines of 0
            keys = self.heads.weight[: each.numel()].view(heads, -1, c.hidden_size)
            keys[following + found, : self._width] = 0
            words, written, _ = self.inputs.weight.split_with_sizes(self._shares)
            words.view(-1, c.memory_width, words.shape[1])[:] = written[: c.memory_width]

    def initial_state(self, batch_size: int, capacity: int) -> DNTMState:
        """Return the state at the start of episodes: contents are zeros.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps: the number of slots beside the NOP cells, unless
                `memory_slots` fixes it.
        """
        c, like = self.config, self.output.weight
        addresses = slot_addresses.addresses(c.memory_slots or capacity, self.frequencies)
        if self.nop is not None:
            addresses = torch.cat((self.nop, addresses))
        memory = like.new_zeros(batch_size, len(addresses), c.memory_width)
        weightings = like.new_zeros(batch_size, sum(self._heads), len(addresses))
        similarities = weightings.clone()
        weightings[:, :, c.nop_slots] = 1
        reads = functional.pad(addresses[c.nop_slots], (0, c.memory_width)).repeat(batch_size, c.read_heads)
        hidden = self.controller.initial_state(batch_size)
        addresses = addresses.repeat(batch_size, 1, 1)
        return DNTMState(memory, addresses, weightings, similarities, reads, hidden)

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c, heads, reads = self.config, (sum(self._heads), slots), (self._heads[1] * self._width,)
        rows = ((slots, c.memory_width), (slots, c.address_width), heads, heads, reads)
        return [(batch_size, *row) for row in rows + self.controller.tensors * ((c.hidden_size,),)]

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return shares of the inputs, and with hard addressing which rows are soft; see `MemoryMachine`."""
        projected = (self.controller.project(inputs), *self.inputs(inputs).split_with_sizes(self._shares, 2))
        if self.config.addressing == "soft":
            return projected
        soft = inputs.new_zeros(inputs.shape[1], dtype=torch.bool)
        if self.training:
            start = self.config.soft_batches
            soft = torch.rand(len(soft), device=soft.device) ** 2 * (start + self.batches) < start
            self.batches += 1
        return *projected, soft.expand(len(inputs), -1)

    def recur(
        self, projected: tuple[Tensor, ...], state: DNTMState, keep: bool
    ) -> tuple[Tensor, Tensor | None, DNTMState]:
        """Take T steps with the addresses of the first row, which those of all others are; see the base."""
        shared = state._replace(addresses=state.addresses[:1])
        features, weightings, end = super().recur(projected, shared, keep)
        return features, weightings, end._replace(addresses=state.addresses)

    def step(self, state: DNTMState, *projected: Tensor) -> tuple[DNTMState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        memory, (addresses, *_), _, average, reads, hidden = state
        addend, words, content, to_gate, *soft = projected
        c, B = self.config, len(reads)
        feedback = self._seen(reads)[:, : self.controller.read_size]
        output, hidden = self.controller(addend, feedback, hidden)
        each, erase, candidate, gate = self.heads(output).split_with_sizes(self._sizes, 1)
        keys, strengths, *gates = each.view(B, sum(self._heads), -1).split_with_sizes(self._head, 2)
        if self._by_content:
            words = words.view(B, -1, c.memory_width)
            finders = torch.tensor(self._by_content, device=keys.device)
            keys = keys.index_add(1, finders, functional.pad(words, (c.address_width, 0)))
        whole = keys.new_tensor([head not in self._by_content for head in range(keys.shape[1])])
        similar = slot_addresses.similarity(memory, addresses, keys, whole.unsqueeze(1), c.epsilon)
        if c.follows:
            behind = self._behind(reads).flatten(0, 1).unsqueeze(0)
            near = addressing.similarity(addresses.unsqueeze(0), behind, c.epsilon).view_as(similar)
            similar = torch.lerp(near, similar, self._gate(gates[-1], *soft))
        scores = (1 + functional.softplus(strengths)) * similar  # z
        logits = scores
        if c.lru:
            logits = scores - torch.sigmoid(gates[0]) * average  # gamma
            average = 0.1 * average + 0.9 * scores.detach()  # v
        drawn, straight_through = self._draws and self.training, c.gradient == "straight-through"
        weightings, costs = choose(logits, *soft, drawn=drawn, straight_through=straight_through)
        weightings = functional.pad(weightings[:, :, c.nop_slots :], (c.nop_slots, 0))
        writing, reading = weightings.split_with_sizes(self._heads, 1)
        alpha = torch.sigmoid(gate + to_gate).unsqueeze(2)
        inputs = content.view(B, -1, c.memory_width)
        add = torch.relu(torch.addcmul(candidate.view_as(inputs), alpha, inputs))
        written = addressing.write(memory, writing, torch.sigmoid(erase).view_as(inputs), add)
        source = memory if c.order == "read_first" else written
        reads = torch.cat((reading @ addresses, addressing.read(source, reading)), 2).flatten(1)
        features = (self._seen(reads), output, *costs)
        return state._replace(
            memory=written, weightings=weightings, similarities=average, reads=reads, controller=hidden
        ), features

    def _seen(self, reads: Tensor) -> Tensor:
        """Return what the logits see of read vectors ``[B, R * M]``, and the controller, if it sees them."""
        if self.config.feedback == "slot":
            return reads
        return reads.view(len(reads), -1, self._width)[:, :, self.config.address_width :].flatten(1)

    def _behind(self, reads: Tensor) -> Tensor:
        """Return for each head the address behind that which the head it follows has read ``[B, H, A]``."""
        read = reads.view(len(reads), -1, self._width)[:, :, : self.config.address_width]
        followed = functional.pad(read, (0, 0, 1, 0))[:, self.config.follows]
        return slot_addresses.behind(followed, self.frequencies)

    def _gate(self, logits: Tensor, soft: Tensor | None = None) -> Tensor:
        """Return how far heads look for their own keys ``[B, H, 1]``: 0 or 1 in rows with hard weightings."""
        following = torch.tensor(self.config.follows, device=logits.device).unsqueeze(1) > 0
        gate = torch.where(following, torch.sigmoid(logits), 1.0)
        if soft is None:
            return gate
        hard = (gate > 0.5).to(gate.dtype) + (gate - gate.detach())
        return torch.where(soft[:, None, None], gate, hard)

    def _why_not_fused(self) -> str:
        if reason := super()._why_not_fused():
            return reason
        if self._draws:
            return "slots are drawn, for REINFORCE"
        if self._redefined:
            return f"{type(self).__name__} has a {self._redefined} of its own"
        if type(self.heads).forward is not nn.Linear.forward or hooked(self.heads):
            return f"the heads are a {type(self.heads).__name__} with code of its own"
        return unknown_controller(self.config.controller, 1, self.controller, (*KINDS, "gru"))

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: DNTMState, keep: bool
    ) -> tuple[Tensor, Tensor | None, DNTMState]:
        from ntm_agents.kernels.dntm import infer, recur  # needs Numba

        result = (recur if keep else infer)(*self._kernel_arguments(projected, state))
        return result.features, result.weightings, DNTMState(*result.state)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: DNTMState) -> tuple[Any, ...]:
        """Return the arguments of :func:`ntm_agents.kernels.dntm.recur`."""
        from ntm_agents.kernels.dntm import Inputs, Options, State, Weights

        c, (T, B, *_) = self.config, projected[0].shape
        addend, words, contents, to_gate, *soft = projected
        addend, recurrent = one_product(self.controller, addend)
        each, rest = self.heads.bias.expand(T, B, -1).tensor_split((self._sizes[0],), 2)
        each = each.reshape(T, B, sum(self._heads), -1)
        if self._by_content:
            around = (c.address_width, each.shape[3] - self._width)
            words = functional.pad(words.reshape(T, B, -1, c.memory_width), around)
            each = each.index_add(2, torch.tensor(self._by_content), words)
        rest = rest + functional.pad(to_gate, (rest.shape[2] - c.write_heads, 0))
        parameters = torch.cat((each.flatten(2), rest), 2)
        options = Options(
            write_heads=c.write_heads,
            write_first=c.order == "write_first",
            lru=c.lru,
            nop_slots=c.nop_slots,
            follows=c.follows,
            by_content=c.by_content,
            feedback=c.feedback,
            epsilon=c.epsilon,
        )
        inputs = Inputs(addend, parameters, contents, soft[0][0] if soft else None)
        rotation = torch.stack((self.frequencies.cos(), self.frequencies.sin()))
        return options, inputs, Weights(recurrent, self.heads.weight, rotation), State(*state)

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of read vectors and the controller's output."""
        logits: Tensor = self.output(features[:, :, : self.output.in_features])
        return logits

    @property
    def with_auxiliary_loss(self) -> Callable[[Tensor, DNTMState, Costs], tuple[Tensor, Tensor]] | None:
        """The loss of REINFORCE, if slots are drawn in training; see :class:`ntm_agents.protocol.Model`."""
        return self._with_choices if self._draws else None

    def _with_choices(self, inputs: Tensor, state: DNTMState, costs: Costs) -> tuple[Tensor, Tensor]:
        assert self.reinforce is not None
        self.check_state(inputs, state)
        features, _, _ = self.recur(self.project(inputs), state, keep=False)
        logits = self.read_out(features)
        if not self.training:
            return logits, logits.new_zeros(())
        output = features[:, :, -2 - self.config.hidden_size : -2]
        return logits, self.reinforce(costs(logits), output, features[:, :, -2], features[:, :, -1])

    def trace(self, state: DNTMState) -> dict[str, Tensor]:
        """Return weightings ``[B, W, N]`` and ``[B, R, N]`` and the contents ``[B, N, D]``, for pictures."""
        writing, reading = state.weightings.split_with_sizes(self._heads, 1)
        return {"write weighting": writing, "read weighting": reading, "memory": state.memory}
