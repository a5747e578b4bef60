"""The Neural Turing Machine, in plain PyTorch: the reference that the fused kernel is tested against.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401).

Shape letters: B batch, T time steps, I/O input and output channels, N memory slots, M width of a slot,
R/W read and write heads, H = W + R heads, S shift options.

Example:
    >>> model = NTM(9, 8, controller="feedforward")
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 8, 20]))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from importlib.util import find_spec
from types import NoneType
from typing import Any, ClassVar, Literal, NamedTuple, cast, get_args, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing
from ntm_agents.controllers import Controller, Layer
from ntm_envs import keyed

_HAS_NUMBA = find_spec("numba") is not None

TICK = 0.25
"""What a jump is beside the weights of what the counter adds up, which then come to its size sooner."""
AT_A_TIME = 32
"""Steps are taken in pieces of a multiple of so many where there are no gradients: nothing of them has to be
kept then."""
PIECE = 2**20
"""So many numbers a piece may have: few enough for the room of one to be that of the next."""
MEMORIES = 1
"""Or so many times as many as the state's memory, which is copied once a piece."""
SLOTS = np.uint64(0xC2B2AE3D27D4EB4F)
"""Domain of the random rows of a memory, which are keyed by the index of their slot."""


@dataclass(frozen=True, kw_only=True)
class NTMConfig:
    """The options of an NTM: what the paper leaves open is a choice here, and no choice depends on N."""

    controller: Literal["feedforward", "lstm", "gru"] = "lstm"
    """Kind of the controller. The paper compares the first two; the LSTM is the one with a state of its
    own."""
    hidden_size: int = 100
    """Units of each of the controller's layers (paper: 100)."""
    num_layers: int = 1
    """Layers of the controller (paper: 1)."""
    orthogonal_init: bool = True
    """Whether the weights of a controller's own last output start orthogonal, so that what it heard a few
    steps ago is no fainter than what it hears; or else uniform, as all others. The paper does not say."""
    controller_noise: float = 0.0
    """Standard deviation of Gaussian noise on the lowest layer's pre-activations, in training alone. Not in
    the paper, so off; it makes blurred weightings costly."""
    read_heads: int = 1
    """Number of heads that read (paper: 1 to 8, by task)."""
    write_heads: int = 1
    """Number of heads that write (paper: as many as read)."""
    memory_slots: int | None = None
    """Number of slots N, at least the shift width. None for the episode's step bound, so that the memory
    grows with what is to be stored (paper: 128)."""
    memory_width: int = 20
    """Width M of a slot (paper: 20)."""
    key_width: int | None = None
    """Width of keys, which are compared with the first columns of a slot, at most `memory_width`; None for
    all of them (paper). What is in the others then makes a slot no easier and no harder to find."""
    shift_width: int = 3
    """Number of shift options S, from 2 to N; option j moves a head by j - S // 2 slots (paper: 3)."""
    output_hidden_size: int = 0
    """Units of a hidden layer before the logits, which sees what was read and the controller's output; 0 for
    none (paper). Its asinh, linear around 0 and a logarithm far out, makes log odds of counts."""
    skip_connection: bool = False
    """Whether the head parameters see the inputs as well as the controller's output. Not in the paper."""
    followers: int = 0
    """How many of the heads that write, the last ones, follow those that read, the first ones: each writes
    where its partner has read last, which is at the last step or, if heads read first, at this one. Not in
    the paper."""
    read_feedback: bool = True
    """Whether the controller sees what was read at the last step (paper: it does). Without it nothing that
    was read can be written once more, and loops have to be jumps."""
    jump: bool = False
    """Whether heads that read may jump to the first slot, before they shift. A gate (hardsigmoid), which
    opens and closes entirely, sees what was read at the last step, and `signal_channels`. A counter, in which
    nothing fades, adds up the jumps, `signal_channels` and `counter_channels`, and the controller sees
    c / (1 + |c|). Not in the paper, where a head has to look the start up, by what is written there, and
    nothing counts without end."""
    jump_bias: float = -1.5
    """Bias of the gate at the start, before hardsigmoid, which is shut from -3 down."""
    jump_noise: float = 0.0
    """Standard deviation of Gaussian noise before hardsigmoid, in training alone: half open gates cost."""
    signal_channels: tuple[int, ...] = ()
    """Input channels, by index, that gates of jumps and the counter see as well as the controller."""
    counter_channels: tuple[int, ...] = ()
    """Input channels, by index, that the counter alone sees: numbers larger than in training are then nothing
    new to the controller."""
    counter_bias: float = 0.0
    """Initial weights of `counter_channels` in the counter: with a negative one it begins by counting from
    below, as many jumps as it is told to."""
    counter_noise: float = 0.0
    """Standard deviation of Gaussian noise on the counter before the first step, in training alone: what is
    decided by it is decided half way between two numbers of jumps."""
    key_activation: Literal["identity", "tanh"] = "identity"
    """What keys go through. The paper does not say; only a key's direction matters."""
    add_activation: Literal["identity", "tanh", "sigmoid"] = "identity"
    """What add vectors go through. The paper does not say; identity lets a slot hold any value."""
    write_mode: Literal["erase_add", "interpolate"] = "erase_add"
    """Erase by a vector, then add (paper); or replace a slot by as much as it is chosen."""
    order: Literal["write_first", "read_first"] = "write_first"
    """Whether heads read what was written at the same step. The paper does not say; all heads choose
    their slots before."""
    epsilon: float = 1e-8
    """Keeps the similarity finite where a slot or a key is empty. The paper has none; this one is small
    enough for the initial memory to count as a direction."""
    epsilon_at: Literal["product", "norms", "squares"] = "product"
    """What epsilon is added to: the product of the norms of key and slot, each of the norms, or the sum
    of squares under each root. The first changes the paper's formula least."""
    memory_init: Literal["constant", "random", "position", "learned"] = "constant"
    """Rows of the memory at the start: all the same; random numbers of the slot's index; the bits of its
    index, lowest first, as +1 and -1; or one learned row for all slots (paper: learned)."""
    memory_init_scale: float | None = None
    """The constant, or where the learned row starts; or what random numbers, uniform in -1 to 1, and bits
    are multiplied by. None for 1e-6 in the first two cases and 1 in the others."""
    head_init: Literal["first", "learned", "uniform"] = "first"
    """Weightings at the start: all on slot 0, so that a head can step from there; a learned weighting of
    the first S slots; or all slots alike. The paper does not say."""
    key_bias: float = 0.0
    """Bias of the keys at the start, the same for each element."""
    strength_bias: float | tuple[float, ...] = 0.0
    """Bias of the key strength at the start, before softplus: one for all heads, or one for each, those
    that write first. Such biases give heads their roles, which decides what is learnt at all."""
    gate_bias: float | tuple[float, ...] = 0.0
    """Bias of the interpolation gate at the start, before sigmoid, for all heads or for each: a head whose
    is negative begins by moving from where it is, and one whose is positive by looking up."""
    shift_bias: tuple[float, ...] = ()
    """Biases of the S shift options at the start, before softmax: S for all heads, or S for each of them;
    empty for zeros."""
    sharpening_bias: float | tuple[float, ...] = 0.0
    """Bias of the sharpening at the start, before 1 + softplus, for all heads or for each."""
    erase_bias: float = 0.0
    """Bias of the erase vectors at the start, before sigmoid, the same for each element."""
    add_bias: float = 0.0
    """Bias of the add vectors at the start, the same for each element."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """What computes the recurrence: plain PyTorch, or a fused kernel, which is many times as fast and gives
    the same numbers to within rounding. By itself the fused one is chosen wherever it applies: on a CPU, with
    Numba installed, for a feed-forward or an LSTM controller of one layer."""

    def __post_init__(self) -> None:
        counts = ("hidden_size", "num_layers", "read_heads", "write_heads", "memory_width", "shift_width")
        smallest = dict.fromkeys(counts, 1) | {"shift_width": 2, "epsilon": 0.0}
        smallest |= dict.fromkeys(("controller_noise", "jump_noise", "counter_noise"), 0.0)
        smallest |= dict.fromkeys(("output_hidden_size", "followers"), 0)
        if self.memory_slots is not None:
            smallest["memory_slots"] = self.shift_width
        if self.key_width is not None:
            smallest["key_width"] = 1
        hints = get_type_hints(type(self))
        for field in fields(self):
            value, hint = getattr(self, field.name), hints[field.name]
            bound = smallest.get(field.name)
            if value is None and NoneType in get_args(hint):
                continue
            if isinstance(bound, int):
                valid = isinstance(value, int) and value >= bound
                expected = f"an integer of at least {bound}"
            elif hint == tuple[int, ...]:
                valid = isinstance(value, list | tuple) and all(type(i) is int and i >= 0 for i in value)
                valid = valid and (self.jump or not value)
                expected = "indices of input channels, and jump=True"
                if valid:
                    object.__setattr__(self, field.name, tuple(value))  # JSON gives lists
            elif isinstance(value, list | tuple) and tuple[float, ...] in (hint, *get_args(hint)):
                object.__setattr__(self, field.name, tuple(value))  # JSON gives lists
                heads = self.write_heads + self.read_heads
                shifts = (0, self.shift_width, heads * self.shift_width)
                lengths = shifts if field.name == "shift_bias" else (heads,)
                valid = len(value) in lengths and all(map(math.isfinite, value))
                expected = f"{' or '.join(map(str, lengths))} finite numbers, as there are {heads} heads"
            elif float in (hint, *get_args(hint)):
                low = -math.inf if bound is None else bound
                valid = isinstance(value, int | float) and math.isfinite(value) and value >= low
                expected = "a finite number" + ("" if bound is None else f" of at least {bound:g}")
            elif hint is bool:
                valid, expected = isinstance(value, bool), "True or False"
            else:
                valid = value in get_args(hint)
                expected = f"one of {', '.join(map(repr, get_args(hint)))}"
            if not valid:
                raise ValueError(f"{field.name} is {value!r}; expected {expected}")
        heads = min(self.write_heads, self.read_heads)
        for name, bound in (("followers", heads), ("key_width", self.memory_width)):
            if (getattr(self, name) or 0) > bound:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at most {bound}")


class NTMState(NamedTuple):
    """What an NTM carries from step to step."""

    memory: Tensor
    """``[B, N, M]``"""
    weightings: Tensor
    """Where the heads are, ``[B, H, N]``, those that write first."""
    reads: Tensor
    """What they read last, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """The state of the controller's layers."""
    counter: Tensor
    """How far the counter is, in jumps, ``[B]``; zero without jumps."""


class NTM(nn.Module):
    """A controller with a memory that it reads and writes through heads.

    Where this differs from the paper:

    - Controller and read vectors start at zero, and the memory at a small constant; the paper learns all
      three. A learned memory (`memory_init`) is one row, which all slots share.
    - By default the memory is as large as the episode's step bound (`memory_slots`). No parameter depends
      on the number of slots, so a trained machine runs with any.
    - There are no options that the paper lacks unless they are asked for: `controller_noise`, a GRU, the
      write mode ``interpolate``, a controller without `read_feedback` or with a way round it
      (`skip_connection`), heads that follow others (`followers`), keys that see a part of a slot
      (`key_width`), a hidden layer before the output (`output_hidden_size`), and `jump`, with its counter.

    What the paper leaves open is chosen thus:

    - All heads choose their slots by the memory that the step begins with and the controller's output;
      then the heads write, and then the others read (`order`). With several write heads all erase before
      any adds.
    - The output is linear in the controller's output and in what was read at the same step (but for
      `output_hidden_size`).
    - Key strength is softplus, gate and erase vector sigmoid, shift softmax, sharpening 1 + softplus; keys
      and add vectors are linear (`key_activation`, `add_activation`).
    - All weights of the heads start by Glorot and Bengio's uniform rule, and biases as configured.

    Args:
        input_size: Number of input channels I.
        output_size: Number of output channels O.
        **config: Options of `NTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If an option's value is not possible.
    """

    Config: ClassVar[type[NTMConfig]] = NTMConfig

    _order: Tensor

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = NTMConfig(**config)
        heads, width, read_size = c.write_heads + c.read_heads, c.memory_width, c.read_heads * c.memory_width
        for name in ("signal_channels", "counter_channels"):
            if max(getattr(c, name), default=0) >= input_size:
                raise ValueError(f"{name} is {getattr(c, name)}; expected channels below {input_size}")
        self._heard = [i for i in range(input_size) if i not in c.counter_channels]
        self._fed_back = read_size if c.read_feedback else 0
        self.controller = Controller(
            c.controller,
            len(self._heard),
            self._fed_back,
            c.hidden_size,
            c.num_layers,
            c.controller_noise,
            c.orthogonal_init,
        )
        # One product gives all parameters of all heads: of each head key, strength and sharpening, gate,
        # shifts; then, of each head that writes, add vector and, if there is one, erase vector.
        self._by_role = (c.write_heads, c.read_heads)
        self._choose = (c.key_width or width, 2, 1, c.shift_width)
        self._change = (width, width) if c.write_mode == "erase_add" else (width,)
        self._parts = (heads * sum(self._choose), c.write_heads * sum(self._change))
        rows = torch.arange(sum(self._parts))
        choosing = rows[: self._parts[0]].view(heads, -1)
        choosing[c.write_heads - c.followers : c.write_heads] = choosing[c.write_heads :][: c.followers]
        rows, order = torch.unique(rows, return_inverse=True)
        self.register_buffer("_order", order, persistent=False)
        self.heads = nn.Linear(c.hidden_size, len(rows))
        if c.skip_connection:
            self.skip = nn.Linear(len(self._heard), len(rows), bias=False)
            nn.init.xavier_uniform_(self.skip.weight)
        if c.output_hidden_size:
            self.hidden = nn.Linear(read_size + c.hidden_size, c.output_hidden_size)
        self.output = nn.Linear(c.output_hidden_size or read_size + c.hidden_size, output_size)
        if c.jump:
            self.jumps = nn.Linear(read_size, c.read_heads)
            self.signalling = nn.Parameter(torch.zeros(c.read_heads, len(c.signal_channels)))
            self.offers = nn.Parameter(
                torch.tensor([0.0] * len(c.signal_channels) + [c.counter_bias] * len(c.counter_channels))
            )
            self.counting = nn.Parameter(torch.empty(self.controller.pre_activations))
            nn.init.constant_(self.jumps.bias, c.jump_bias)
            nn.init.uniform_(self.counting, -(c.hidden_size**-0.5), c.hidden_size**-0.5)
        if c.memory_init == "learned":
            self.memory_row = nn.Parameter(torch.full((width,), self._scale))
        if c.head_init == "learned":
            self.start = nn.Parameter(torch.zeros(heads, c.shift_width))
        nn.init.xavier_uniform_(self.heads.weight)
        shifts = torch.tensor(c.shift_bias or [0.0] * c.shift_width).view(-1, c.shift_width)
        columns = [torch.tensor(b).expand(heads) for b in (c.strength_bias, c.sharpening_bias, c.gate_bias)]
        keys = torch.full((heads, self._choose[0]), c.key_bias)
        choose = torch.cat((keys, torch.stack(columns, 1), shifts.expand(heads, -1)), 1)
        change = [c.add_bias] * width + [c.erase_bias] * (sum(self._change) - width)
        with torch.no_grad():
            self.heads.bias.copy_(torch.cat((choose.flatten(), torch.tensor(change * c.write_heads)))[rows])

    @classmethod
    def from_pretrained(cls, task: str, agent: str = "ntm") -> NTM:
        """Return a machine that comes trained with the package, in evaluation mode.

        Args:
            task: What it was trained on, such as ``copy``.
            agent: Which machine, such as ``ntm-jump``.

        Raises:
            ValueError: If there is none for the task.
        """
        from ntm_agents.pretrained import pretrained
        from ntm_agents.training.run import load_run  # which imports models, by their names

        return cast("NTM", load_run(pretrained(agent, task))[0])

    def initial_state(self, batch_size: int, capacity: int) -> NTMState:
        """Return the state at the start of episodes.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps: the number of slots N, unless `memory_slots` fixes it.
        """
        c = self.config
        slots = max(capacity, c.shift_width) if c.memory_slots is None else c.memory_slots
        heads, like = c.write_heads + c.read_heads, self.output.weight
        if c.head_init == "uniform":
            weightings = like.new_full((heads, slots), 1 / slots)
        else:
            first = self.start.softmax(1) if c.head_init == "learned" else like.new_ones(heads, 1)
            weightings = functional.pad(first, (0, slots - first.shape[1]))
        counter = like.new_zeros(batch_size)
        if self.training and c.counter_noise:
            counter = c.counter_noise * torch.randn_like(counter)
        return NTMState(
            memory=self._rows(slots).expand(batch_size, slots, c.memory_width),
            weightings=weightings.expand(batch_size, heads, slots),
            reads=like.new_zeros(batch_size, c.read_heads * c.memory_width),
            controller=self.controller.initial_state(batch_size),
            counter=counter,
        )

    def forward(self, inputs: Tensor, state: NTMState) -> tuple[Tensor, NTMState]:
        """Go on from a state by T steps.

        Args:
            inputs: ``[T, B, I]``.
            state: What `initial_state` or the last call returned.

        Returns:
            The logits ``[T, B, O]`` and the state after the last step.

        Raises:
            ValueError: If the state does not fit the inputs, the model or itself.
        """
        if torch.is_grad_enabled():
            features, _, state = self._recur(inputs, state)
            return self._answer(features), state
        logits = []
        controller, parameters = self.controller.pre_activations, self._order.shape[0]
        each = inputs.shape[1] * (controller + parameters + self.output.in_features)
        steps = max(PIECE, MEMORIES * state.memory.numel()) // max(1, each) // AT_A_TIME * AT_A_TIME
        for part in torch.split(inputs, max(AT_A_TIME, steps)):
            features, _, state = self._recur(part, state, trail=False)
            logits.append(self._answer(features))
        return torch.cat(logits), state

    def with_penalty(self, inputs: Tensor, state: NTMState) -> tuple[Tensor, Tensor]:
        """Do the same, and measure how blurred the weightings are.

        Returns:
            The logits ``[T, B, O]``, and the mean entropy of a weighting, in nats.

        Raises:
            ValueError: If the state does not fit the inputs, the model or itself.
        """
        features, weightings, _ = self._recur(inputs, state)
        assert weightings is not None
        logs = weightings.clamp(min=torch.finfo(weightings.dtype).tiny).log()
        return self._answer(features), -(weightings * logs).sum(3).mean()

    def _answer(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, O]``."""
        seen = features
        if self.config.output_hidden_size:
            asinh = torch.asinh if torch.is_grad_enabled() else _asinh
            seen = asinh(self.hidden(features))
        return cast("Tensor", self.output(seen))

    @property
    def kernel(self) -> Literal["reference", "fused"]:
        """What computes the recurrence, on the device that the model is on."""
        if self.config.kernel == "auto" and torch.compiler.is_compiling():
            return "reference"
        reason = self._why_not_fused() if self.config.kernel != "reference" else "it was asked for"
        if reason and self.config.kernel == "fused":
            raise ValueError(f"kernel is 'fused', which does not apply: {reason}; use 'auto' or 'reference'")
        return "reference" if reason else "fused"

    def _why_not_fused(self) -> str:
        c, like = self.config, self.output.weight
        if c.controller == "gru" or c.num_layers > 1:
            return f"the controller is {c.controller!r} with depth {c.num_layers}"
        if like.device.type != "cpu" or like.dtype not in (torch.float32, torch.float64):
            return f"the model is {like.dtype} on {like.device}"
        return "" if _HAS_NUMBA else "Numba is not installed (extra 'fast')"

    def _check(self, inputs: Tensor, state: NTMState) -> None:
        """Raise unless a state fits: the kernel looks at no shape, and would write where it must not."""
        c, (rows, slots), like = self.config, (inputs.shape[1], state.memory.shape[1]), self.output.weight
        expected: dict[str, tuple[Tensor, tuple[int, ...]]] = {
            "memory": (state.memory, (rows, slots, c.memory_width)),
            "weightings": (state.weightings, (rows, c.write_heads + c.read_heads, slots)),
            "reads": (state.reads, (rows, c.read_heads * c.memory_width)),
            "counter": (state.counter, (rows,)),
        }
        expected |= {f"controller[{i}]": (x, (rows, c.hidden_size)) for i, x in enumerate(state.controller)}
        for name, (tensor, shape) in expected.items():
            if tensor.shape != shape:
                raise ValueError(
                    f"state.{name} has shape {tuple(tensor.shape)}; expected {shape}, as the inputs have "
                    f"shape {tuple(inputs.shape)} and the memory has {tuple(state.memory.shape)}"
                )
            if tensor.dtype != like.dtype:
                raise ValueError(f"state.{name} is {tensor.dtype}; expected {like.dtype}, as the model is")
        if slots < c.shift_width:
            raise ValueError(f"state.memory has {slots} slots; expected at least {c.shift_width}, the shifts")

    def _recur(
        self, inputs: Tensor, state: NTMState, *, trail: bool = True
    ) -> tuple[Tensor, Tensor | None, NTMState]:
        """Return what the output layer sees of each step ``[T, B, R * M + C]``, weightings and state.

        The weightings are those of each step ``[T, B, H, N]``, or None without a `trail`.
        """
        self._check(inputs, state)
        c, run = self.config, self._fused if self.kernel == "fused" else self._reference
        heard = inputs[..., self._heard] if c.counter_channels else inputs
        projected = self.controller.project(heard)
        heads = self._of_all_heads(self.heads.bias).expand(*inputs.shape[:2], -1)
        if c.skip_connection:
            heads = heads + functional.linear(heard, self._of_all_heads(self.skip.weight))
        if not c.jump:
            gates, offers = inputs.new_zeros(*inputs.shape[:2], 0), inputs.new_zeros(inputs.shape[:2])
            return run(projected, heads, gates, offers, state, trail)
        signals = inputs[..., list(c.signal_channels)]
        gates = functional.linear(signals, self.signalling, self.jumps.bias)
        if self.training and c.jump_noise:
            gates = gates + c.jump_noise * torch.randn_like(gates)
        offered = torch.cat((signals, inputs[..., list(c.counter_channels)]), 2)
        return run(projected, heads, gates, offered @ self.offers / TICK, state, trail)

    def _of_all_heads(self, rows: Tensor) -> Tensor:
        """Return rows ``[P, ...]``, with those of their partners for followers, which have none for slots."""
        return rows[self._order] if self.config.followers else rows

    def _fused(
        self, projected: Tensor, heads: Tensor, gates: Tensor, offers: Tensor, state: NTMState, trail: bool
    ) -> tuple[Tensor, Tensor | None, NTMState]:
        from ntm_agents.kernels.ntm import Inputs, Jumps, Options, State, Weights, infer, recur  # needs Numba

        c, layer = self.config, cast("Layer", self.controller.layers[0])
        options = Options(
            write_heads=c.write_heads,
            followers=c.followers,
            key_width=self._choose[0],
            shift_width=c.shift_width,
            key_activation=c.key_activation,
            add_activation=c.add_activation,
            epsilon=c.epsilon,
            epsilon_at=c.epsilon_at,
            write_first=c.order == "write_first",
        )
        recurrent = cast("Tensor", layer.weight)
        if not c.read_feedback:
            recurrent = functional.pad(recurrent, (state.reads.shape[1], 0))
        jumps = None
        if c.jump:
            jumps = Jumps(gates, self.jumps.weight, state.counter, offers, cast("Tensor", self.counting))
        result = (recur if trail else infer)(
            options,
            Inputs(projected, heads),
            Weights(recurrent, self._of_all_heads(self.heads.weight)),
            State(*state[:4]),
            jumps,
        )
        counter = state.counter if result.counts is None else result.counts
        return result.features, result.weightings, NTMState(*result.state, counter)

    def _reference(
        self, projected: Tensor, heads: Tensor, gates: Tensor, offers: Tensor, state: NTMState, trail: bool
    ) -> tuple[Tensor, Tensor | None, NTMState]:
        c, (memory, weightings, reads, hidden, counter) = self.config, state
        features: list[Tensor] = []
        passed: list[Tensor] = []
        # Indexing would cost T * T backward.
        weight = self._of_all_heads(self.heads.weight).t()
        steps = zip(projected.unbind(0), heads.unbind(0), gates.unbind(0), offers.unbind(0), strict=True)
        for addend, head_addend, gate, offer in steps:
            if c.jump:
                # `hardsigmoid`, whose gradient is right to single precision alone.
                gate = ((torch.addmm(gate, reads, self.jumps.weight.t()) + 3) / 6).clamp(0, 1)
                counter = counter + offer + gate.sum(1)
                addend = torch.addr(addend, functional.softsign(counter), self.counting)
            output, hidden = self.controller(addend, reads[:, : self._fed_back], hidden)
            parameters = torch.addmm(head_addend, output, weight)
            choose, change = parameters.split_with_sizes(self._parts, 1)
            weightings = self._choose_slots(choose, memory, weightings, gate)
            writing, reading = weightings.split_with_sizes(self._by_role, 1)
            written = self._write(change, memory, writing)
            source = written if c.order == "write_first" else memory
            reads, memory = addressing.read(source, reading).flatten(1), written
            features += [reads, output]
            if trail:
                passed.append(weightings)
        rows = torch.cat(features, 1).view(projected.shape[1], len(projected), -1)  # (B, T, R * M + C)
        state = NTMState(memory, weightings, reads, hidden, counter)
        return rows.transpose(0, 1), torch.stack(passed) if trail else None, state

    def trace(self, state: NTMState) -> dict[str, Tensor]:
        """Return what there is to see: weightings ``[B, W or R, N]``, and the memory ``[B, N, M]``."""
        writing, reading = state.weightings.split_with_sizes(self._by_role, 1)
        return {"write weighting": writing, "read weighting": reading, "memory": state.memory}

    def _choose_slots(self, parameters: Tensor, memory: Tensor, previous: Tensor, jumps: Tensor) -> Tensor:
        """Return the weightings ``[B, H, N]`` of all heads: figure 2 of the paper."""
        c, (batch_size, heads, _) = self.config, previous.shape
        parameters = parameters.view(batch_size, heads, -1)
        keys, positive, gates, shifts = parameters.split_with_sizes(self._choose, 2)
        strengths, sharpening = functional.softplus(positive).chunk(2, 2)
        similarities = addressing.similarity(
            memory[..., : c.key_width], _activate(keys, c.key_activation), c.epsilon, c.epsilon_at
        )
        content = addressing.content_weighting(similarities, strengths)
        gated = addressing.interpolate(content, previous, torch.sigmoid(gates))
        if c.jump:
            writing, reading = gated.split_with_sizes(self._by_role, 1)
            gated = torch.cat((writing, addressing.jump(reading, jumps)), 1)
        shifted = addressing.shift(gated, functional.softmax(shifts, 2))
        sharpened = addressing.sharpen(shifted, 1 + sharpening)
        if not c.followers:
            return sharpened
        followed = previous if c.order == "write_first" else sharpened
        followers = followed[:, c.write_heads :][:, : c.followers]
        leaders = sharpened[:, : c.write_heads - c.followers]
        return torch.cat((leaders, followers, sharpened[:, c.write_heads :]), 1)

    def _write(self, parameters: Tensor, memory: Tensor, weighting: Tensor) -> Tensor:
        """Return the memory ``[B, N, M]`` that the write heads leave."""
        c = self.config
        vectors = parameters.view(len(memory), c.write_heads, -1).split_with_sizes(self._change, 2)
        add = _activate(vectors[0], c.add_activation)
        if c.write_mode == "interpolate":
            return addressing.overwrite(memory, weighting, add)
        return addressing.write(memory, weighting, torch.sigmoid(vectors[1]), add)

    @property
    def _scale(self) -> float:
        c = self.config
        if c.memory_init_scale is None:
            return 1e-6 if c.memory_init in ("constant", "learned") else 1.0
        return c.memory_init_scale

    def _rows(self, slots: int) -> Tensor:
        """Return the memory at the start, ``[N, M]``; a row depends on its own index alone."""
        c, like = self.config, self.output.weight
        if c.memory_init == "learned":
            return self.memory_row.expand(slots, -1)
        if c.memory_init == "constant":
            return like.new_full((slots, c.memory_width), self._scale)
        index = np.arange(slots, dtype=np.int64)
        if c.memory_init == "random":
            words = keyed.words(index, SLOTS, c.memory_width) >> np.uint64(11)
            rows = words.astype(np.float64) * 2.0**-52 - 1
        else:
            bits = index[:, None] >> np.minimum(np.arange(c.memory_width), 62) & 1
            rows = 2 * bits.astype(np.float64) - 1
        return torch.as_tensor(rows * self._scale, dtype=like.dtype, device=like.device)


def _asinh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic sine in operations that PyTorch makes several at a time of."""
    size = x.abs()
    more = size * (size / (1 + (1 + size * size).sqrt()))  # finite, however large it is
    return torch.log1p(size + more).copysign(x)


def _activate(values: Tensor, activation: str) -> Tensor:
    if activation == "tanh":
        return torch.tanh(values)
    return torch.sigmoid(values) if activation == "sigmoid" else values
