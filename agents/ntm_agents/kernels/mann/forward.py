"""The forward loop of a MANN: controller, head parameters, least used slots, write, read and usage.

Source: Santoro, Bartunov, Botvinick, Wierstra and Lillicrap, *Meta-Learning with Memory-Augmented Neural
Networks* (arXiv 1605.06065), section 3.

Sequences go through in tiles: few enough for their memories to stay in the cache, and enough for the
weights of the controller to be read once for several. For the backward pass, weightings, parameters and least
used slots of all steps are kept, but the memory at every √T-th step alone.

Shape letters are those of :mod:`ntm_agents.kernels.mann.interface`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.content import compare, look_up, norm
from ntm_agents.kernels.control import control
from ntm_agents.kernels.mann.arguments import Scratch, Settings, Store, Trail
from ntm_agents.kernels.mann.parameters import activate_parameters, empty, find_least, strength
from ntm_agents.kernels.memory import add_vectors, read
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices


@entry
def forward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    store: Store[Array],
    trail: Trail[Array],
) -> None:
    """Take T steps with some tiles of the batch.

    Args:
        settings: Numbers that do not depend on the data.
        weights: Weights of the recurrence.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        store: Memory and usage at the start; afterwards, at the end.
        trail: Arrays that hold each step.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every, values = len(trail.gates), settings.every, settings.heads * settings.width
    pack(weights.recurrent.T, scratch.recurrent)
    pack(weights.output.T, scratch.output)
    pack(weights.last.T, scratch.last)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        for t in range(T):
            control(t, first, last, values, values, scratch, trail)
            for b in range(first, last):
                memory, usage = store.memory[b], store.usage[b]
                if every and t % every == 0:
                    copy(memory, trail.memories[t // every, b])
                activate_parameters(trail.parameters[t, b], settings.heads, settings.width)
                _choose(t, b, settings, scratch, usage, trail)
                for writes in (settings.write_first, not settings.write_first):
                    if writes:
                        _write(t, b, settings, memory, trail)
                    else:
                        _read(t, b, settings, scratch, memory, trail)
                _use(t, b, settings, usage, trail)
    restore(before_kernel)


@paste
def _choose(t: int, b: int, settings: Settings, scratch: Scratch, usage: Array, trail: Trail[Array]) -> None:
    """Choose where to write with all heads of a sequence: equations 6 and 7."""
    kept, p, R = len(trail.weightings), trail.parameters[t, b], settings.heads
    previous, writing = trail.weightings[t % kept, b, R:], trail.weightings[(t + 1) % kept, b, :R]
    free, one = trail.free[t % len(trail.free), b], usage.dtype.type(1)
    find_least(usage, free, scratch.least)
    for h in range(R):
        gate, row, out = p[h * settings.stride + settings.width], previous[h], writing[h]
        for n in range(len(out)):
            out[n] = gate * row[n]
        out[free[h]] += one - gate


@paste
def _write(t: int, b: int, settings: Settings, memory: Array, trail: Trail[Array]) -> None:
    """Empty the least used slots of a sequence, and write with all heads: equation 8."""
    weighting = trail.weightings[(t + 1) % len(trail.weightings), b]
    if settings.write_first:
        zero(weighting[settings.heads])  # which `add_vectors` may look at, and which is not there yet
    empty(memory, trail.free[t % len(trail.free), b])
    add_vectors(memory, weighting, trail.parameters[t, b], settings.stride, settings.heads)


@paste
def _read(t: int, b: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]) -> None:
    """Look up and read with all heads of a sequence: equations 2 to 4."""
    p, R, M, epsilons = trail.parameters[t, b], settings.heads, settings.width, settings.epsilons
    reading, reads = trail.weightings[(t + 1) % len(trail.weightings), b, R:], trail.features[t + 1, b]
    compare(memory, p, settings.stride, epsilons.inside, scratch.dots, scratch.norms)
    for h in range(R):
        at = h * settings.stride
        key_norm = norm(p[at : at + M], epsilons.inside)
        look_up(scratch.dots[h], scratch.norms, key_norm, epsilons, strength(p, R, M, h), reading[h])
        read(memory, reading[h], 0, memory.shape[1], reads[h * M : (h + 1) * M])


@paste
def _use(t: int, b: int, settings: Settings, usage: Array, trail: Trail[Array]) -> None:
    """Add all weightings of a sequence to its usage: equation 5."""
    weighting = trail.weightings[(t + 1) % len(trail.weightings), b]
    for n in range(len(usage)):
        usage[n] *= settings.decay
    for h in range(len(weighting)):
        row = weighting[h]
        for n in range(len(usage)):
            usage[n] += row[n]
