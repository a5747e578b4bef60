"""Conversions between the tensors of the interface and the arguments of the compiled loops."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ntm_agents.kernels.activations import ACTIVATIONS
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.location import TINY
from ntm_agents.kernels.ntm.arguments import Settings
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights
from ntm_agents.kernels.ntm.parameters import Layout
from ntm_agents.kernels.tensors import NUMBERS


def flat(inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None) -> tuple[Tensor, ...]:
    """Return addends, weights, state and, with jumps, counter as autograd takes them.

    Pre-activations of jumps and their weights go with those of the controller.

    Returns:
        Addends ``[T, B, J]`` and ``[T, B, P]``, weights ``[J, V or V + C]`` and ``[P, C]``, memory
        ``[B, M, N]``, weightings, features ``[B, V + C]`` and cells ``[B, C]`` or ``[0, 0]``; with jumps also
        counts, offers and the weight of the counts.
    """
    addend, recurrent = inputs.preactivations, weights.recurrent
    output, cells = state.controller or (
        addend.new_zeros(len(state.reads), weights.heads.shape[1]),
        addend.new_empty(0, 0),
    )
    counter: tuple[Tensor, ...] = ()
    if jumps:
        addend = torch.cat((addend, jumps.gates), 2)
        unseen = recurrent.shape[1] - jumps.weight.shape[1]  # the last output
        recurrent = torch.cat((recurrent, functional.pad(jumps.weight, (0, unseen))))
        counter = jumps.counts, jumps.offers, jumps.counting
    features = torch.cat((state.reads, output), 1)
    start = state.memory.transpose(1, 2), state.weightings, features, cells
    return addend, inputs.parameters, recurrent, weights.heads, *start, *counter


def result(
    start: State, features: Tensor, weightings: Tensor, memory: Tensor, cells: Tensor, counts: Tensor | None
) -> Result:
    """Return the results of T steps.

    Args:
        start: State before the first step.
        features: ``[T, B, V + C]``.
        weightings: Those of each step ``[T, B, H, N]``, or those after the last ``[B, H, N]``.
        memory: Memory after the last step ``[B, M, N]``.
        cells: Cells after the last step, if there are any.
        counts: Counters after the last step, if there are any.
    """
    V = start.reads.shape[1]
    reads, output = features[-1].split_with_sizes((V, features.shape[2] - V), 1)
    each = weightings.dim() == 4
    state = State(
        memory=memory.transpose(1, 2),
        weightings=weightings[-1] if each else weightings,
        reads=reads,
        controller=(output, cells) if start.controller else (),
    )
    return Result(features, weightings if each else None, state, counts)


def settings(options: Options, dtype: torch.dtype, heads: int, width: int, every: int) -> Settings:
    """Return the options for H heads and slots of width M in numbers of a type."""
    number = NUMBERS[dtype]
    stride = options.key_width + 3 + options.shift_width
    return Settings(
        layout=Layout(
            heads=heads,
            writers=options.write_heads,
            key_width=options.key_width,
            width=width,
            shifts=options.shift_width,
            stride=stride,
            vectors=heads * stride,
            key_activation=ACTIVATIONS[options.key_activation],
            add_activation=ACTIVATIONS[options.add_activation],
            adders=options.write_heads - options.erasers,
            erase_limit=number(options.erase_limit),
        ),
        epsilons=Epsilons(inside=number(TINY), outside=number(0.0), product=number(options.epsilon)),
        followers=options.followers,
        strength_factor=number(options.strength_factor),
        write_first=options.write_first,
        every=every,
    )
