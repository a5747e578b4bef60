"""Arguments of the compiled loops: named tuples of arrays and numbers, and their scratch memory.

Arrays are C-contiguous, float32 or float64, all of one type, but for indices, which are int64, and for flags:
for each type the loops are compiled once.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.interface`, and K queries: vectors of the width of an
address that each sequence compares with all addresses. They are the keys of the heads that see addresses, and
then the addresses behind those which followed heads have read.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.dntm.parameters import Layout
from ntm_agents.kernels.products import panels
from ntm_agents.kernels.scratch import parts
from ntm_agents.kernels.weights import Matrices

Numbers = TypeVar("Numbers")
"""Arrays for the compiled loops, tensors for autograd."""


class Queries(NamedTuple):
    """The K queries of a sequence, int64."""

    sources: Array
    """For each query the head whose key it is, or the read head that is followed ``[K]``."""
    keys: int
    """Number of queries that are keys; they come first."""
    own: Array
    """For each head the query that is its key; -1 if it sees contents alone ``[H]``."""
    near: Array
    """For each head the query of the read head that it follows; -1 if it follows none ``[H]``."""


class Settings(NamedTuple):
    """Numbers that do not depend on the data."""

    layout: Layout
    """Places of the head parameters."""
    queries: Queries
    """What is compared with addresses."""
    epsilons: Epsilons
    """Terms that keep the similarity finite."""
    kept: Any
    """Share of a moving average that a step keeps."""
    nop: int
    """Number of NOP cells."""
    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    seen: int
    """First column of the features that the controller sees."""
    every: int
    """Steps between checkpoints of the memory; 0 without a backward pass."""


class Places(NamedTuple):
    """Addresses, which are the same in all sequences."""

    addresses: Array
    """``[N, A]``."""
    rotation: Array
    """Cosines and sines of the angles from each address to the next ``[2, A / 2]``."""


class Trail(NamedTuple, Generic[Numbers]):
    """Arrays that hold each step: the forward loop fills them, and the backward loop reads them.

    With room for L < T steps, the later ones take the places of earlier ones, in turn.
    """

    gates: Numbers
    """Addends of the pre-activations ``[T, B, G * C]``; afterwards, gates of an LSTM or GRU."""
    cells: Numbers
    """Cells of an LSTM ``[T + 1, B, C]``, the first set; otherwise ``[0, 0, 0]``."""
    features: Numbers
    """Read addresses, read contents, and output of the controller ``[T + 1, B, V + C]``, the first set."""
    parameters: Numbers
    """Addends of the head parameters ``[T, B, P]``; afterwards, the parameters."""
    contents: Numbers
    """Given, shares of the inputs in what is written ``[T, B, W * D]``."""
    soft: Numbers
    """Given, whether weightings are distributions, bool ``[B]``."""
    vectors: Numbers
    """Add and erase vector of each write head in turn ``[L, B, W * 2 * D]``."""
    queries: Numbers
    """``[L, B * K, A]``."""
    weightings: Numbers
    """``[L, B, H, N]``."""
    chances: Numbers
    """Distributions over all slots ``[L, B, H, N]``; ``[0, 0, 0, 0]`` if weightings are the same."""
    averages: Numbers
    """Averages of similarities ``[L + 1, B, H, N]``, the first set; ``[0, 0, 0, 0]`` if there are none."""
    memories: Numbers
    """Memory before each `every`-th step ``[T / every, B, D, N]``."""


class Gradients(NamedTuple, Generic[Numbers]):
    """Gradients that the backward loop reads and writes."""

    features: Numbers
    """Given, of read contents and outputs behind the first ``[T, B, R * D + C]``."""
    places: Numbers
    """Given, of read addresses behind the first ``[T, B, R * A]``; ``[0, 0, 0]`` if there are none."""
    weightings: Numbers
    """Given, ``[T, B, H, N]``; ``[0, 0, 0, 0]`` if there are none."""
    cells: Numbers
    """Of the last cells ``[B, C]``; afterwards, of the first."""
    memory: Numbers
    """Of the memory at the end ``[B, D, N]``; afterwards, at the start."""
    averages: Numbers
    """Of the last averages ``[B, H, N]``; afterwards, of the first."""
    first: Numbers
    """Written, of the first features ``[B, V + C]``."""
    gates: Numbers
    """Written, of the addends of the pre-activations ``[T, B, G * C]``."""
    parameters: Numbers
    """Written, of the addends of the head parameters ``[T, B, P]``."""
    contents: Numbers
    """Written, of the shares of the inputs in what is written ``[T, B, W * D]``."""
    dots: Numbers
    """Written, of the dot products of queries and addresses ``[L, B * K, N]``."""
    reads: Numbers
    """Written, of read addresses, their later effects included, ``[L, B * R, A]``."""
    norms: Numbers
    """Zeros ``[B, N]``; afterwards, of the norms of addresses, divided by these norms."""
    rotation: Numbers
    """Zeros ``[B, 2, A / 2]``; afterwards, of the rotation."""


class Scratch(NamedTuple):
    """Scratch memory of a tile of B sequences."""

    recurrent: Array
    """Packed weights."""
    output: Array
    """Packed weights."""
    last: Array
    """Packed weights, of no columns."""
    compared: Array
    """Packed addresses, for products of queries."""
    weighted: Array
    """Packed addresses, for products of weightings."""
    squares: Array
    """Sums of squares of addresses ``[N]``."""
    address_norms: Array
    """Norms of addresses ``[N]``."""
    near: Array
    """Dot products of queries and addresses; for followed heads, then similarities ``[B * K, N]``."""
    dots: Array
    """Dot products of keys and slots, then similarities ``[H, N]``."""
    key_norms: Array
    """``[H]``."""
    norms: Array
    """Norms of contents ``[N]``."""
    whole: Array
    """Norms of slots, address and content ``[N]``."""
    reading: Array
    """Read weightings of the tile, or gradients of them, ``[B * R, N]``."""
    read: Array
    """Read addresses of the tile ``[B * R, A]``."""
    memories: Array
    """Memories at the steps of a segment ``[steps, B, D, N]``."""
    dweighting: Array
    """Gradients of weightings, then of dot products of keys and slots ``[H, N]``."""
    dnear: Array
    """Gradients of similarities of followed heads, then of dot products ``[K, N]``."""
    dnorms: Array
    """Gradients of norms of contents, divided by these norms ``[N]``."""
    dwhole: Array
    """Gradients of norms of slots, divided by these norms ``[N]``."""
    dkey_norms: Array
    """Gradients of the norms of keys, divided by these norms ``[H]``."""
    dqueries: Array
    """``[B * K, A]``."""
    dvectors: Array
    """Gradients of add and erase vectors ``[B, W * 2 * D]``."""
    erased: Array
    """What heads have left of a column ``[W, N]``."""
    dfeatures: Array
    """Gradients of the features of a step ``[B, V + C]``."""
    doutput: Array
    """Gradients of the controller's output ``[B, C]``."""


def scratch(
    weights: Matrices, settings: Settings, places: Places, sequences: int, backward: bool = False
) -> Scratch:
    """Return scratch memory for a tile.

    Args:
        weights: Weights to be packed.
        settings: Numbers that do not depend on the data.
        places: Addresses to be packed.
        sequences: Number of sequences of a tile.
        backward: True for the backward loop, which has the memories of a segment at a time.
    """
    H, W, A, D = settings.layout[:4]
    R, K, (N, _), B = H - W, len(settings.queries.sources), places.addresses.shape, sequences
    C, kind = weights.output.shape[1], weights.output.dtype
    recurrent, output, last = (panels(matrix if backward else matrix.T) for matrix in weights)
    steps = settings.every + 1 if backward else 0
    rows = B if backward else 0
    shapes = (
        *((N,), (N,), (B * K, N), (H, N), (H,), (N,), (N,), (B * R, N), (B * R, A)),
        *((steps, B, D, N), (H, N), (K, N), (N,), (N,), (H,), (rows * K, A)),
        *((rows, W * 2 * D), (W, N), (rows, R * (A + D) + C), (rows, C)),
    )
    compared, weighted = panels(places.addresses.T), panels(places.addresses)
    return Scratch(recurrent, output, last, compared, weighted, *parts(shapes, kind))
