"""Compares indices for a SAM's memory: its own, an exact scan, and those of faiss, hnswlib and usearch.

    .venv/bin/pip install faiss-cpu hnswlib usearch
    taskset --cpu-list 0 .venv/bin/python benchmarks/sam_index.py
    taskset --cpu-list 0 .venv/bin/python benchmarks/sam_index.py --indices hashed --cosines 0.95 0.9 0.8 0

The project does not install these libraries; without them, name the other indices (`--indices hashed scan`).

A memory is full of random words of 32 numbers. Each step is one of a SAM with four heads that read four
slots. It looks for the slots that are most similar to four keys, which are noisy copies of words. Then up to
20 slots change: the four least recently used ones get new words, and the 16 slots that are most similar to
the keys move a little. The very next step has to find them at their new places. All indices see the same
steps.

- *build*: seconds that the index of the full memory takes.
- *search*, *update*: microseconds a step, called from Python; medians of each round.
- *itself*: share of keys for which the word is found that they are copies of.
- *recall*: share of the four most similar slots that is found.

Times are in processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import tyro
from numba import njit
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.hashed import WEAK, enter, enter_all, hyperplanes, search, table_shape
from ntm_agents.kernels.nearest import BLOCK, begin, scan
from ntm_agents.machines.sam import SAMConfig

WIDTH, HEADS, READS = 32, 4, 4
EPSILONS = Epsilons(np.float32(1e-30), np.float32(0), np.float32(1e-6))
Words = NDArray[np.float32]
Slots = NDArray[np.int64]


class Index(Protocol):
    """An index of a memory ``[N, M]``, in which slots can change."""

    def search(self, keys: Words) -> Slots:
        """Return the slots ``[H, K]`` that are most similar to keys ``[H, M]``."""

    def update(self, slots: Slots, words: Words) -> None:
        """Give slots ``[U]`` new words ``[U, M]``."""


class Hashed:
    """The index of the project: :mod:`ntm_agents.kernels.hashed`."""

    def __init__(self, memory: Words) -> None:
        shape = table_shape(SAMConfig().tables, len(memory))
        self.memory, self.tables = memory.copy(), np.zeros((1, *shape), np.int32)
        self.planes = hyperplanes(*shape[:2], WIDTH, torch.zeros(())).numpy()
        enter_all(self.memory[None], self.planes, np.empty(len(self.planes), np.float32), self.tables)

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        found = np.empty((len(keys), READS), np.int64)
        _look_up(self.memory, keys, self.planes, self.tables[0], found)
        return found

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.memory[slots] = words
        _enter(self.memory, slots, self.planes, self.tables[0])


@njit
def _look_up(memory, keys, planes, tables, found):  # type: ignore[no-untyped-def]
    best, weak = np.empty(found.shape[1], np.float32), np.empty(WEAK, np.int64)
    projections = np.empty(len(planes), np.float32)
    for q in range(len(keys)):
        key = keys[q]
        norm = np.float32(np.sqrt((key * key).sum()))
        begin(best, found[q])
        search(memory, key, norm, EPSILONS, planes, projections, weak, tables, best, found[q])


@njit
def _enter(memory, slots, planes, tables):  # type: ignore[no-untyped-def]
    projections = np.empty(len(planes), np.float32)
    for slot in slots:
        enter(slot, memory[slot], planes, projections, tables)


class Scan:
    """The exact search of the project: :mod:`ntm_agents.kernels.nearest`."""

    def __init__(self, memory: Words) -> None:
        self.memory = memory.copy()

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        found = np.empty((len(keys), READS), np.int64)
        _scan(self.memory, keys.ravel(), np.linalg.norm(keys, axis=1), found)
        return found

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.memory[slots] = words


@njit
def _scan(memory, keys, norms, found):  # type: ignore[no-untyped-def]
    block = np.empty((len(found) + 1, BLOCK), np.float32)
    scan(memory, keys, WIDTH, norms, EPSILONS, block, np.empty(found.shape, np.float32), found)


class FaissFlat:
    """The exact search of faiss, whose vectors are changed in place."""

    def __init__(self, memory: Words) -> None:
        self.index = _faiss().IndexFlatIP(WIDTH)
        self.index.add(unit(memory))
        self.vectors = _faiss().rev_swig_ptr(self.index.get_xb(), memory.size).reshape(memory.shape)

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        return np.asarray(self.index.search(keys, READS)[1])

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.vectors[slots] = unit(words)


class FaissIVF:
    """Inverted lists of faiss: the root of N lists, of which a sixteenth is looked at."""

    def __init__(self, memory: Words) -> None:
        faiss, lists = _faiss(), int(len(memory) ** 0.5)
        self.index = faiss.IndexIVFFlat(faiss.IndexFlatIP(WIDTH), WIDTH, lists, faiss.METRIC_INNER_PRODUCT)
        self.index.nprobe, words = max(1, lists // 16), unit(memory)
        self.index.train(words[: 50 * lists])
        self.index.add(words)
        self.index.set_direct_map_type(faiss.DirectMap.Array)

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        return np.asarray(self.index.search(keys, READS)[1])

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.index.update_vectors(slots, unit(words))


class Hnswlib:
    """The graph of hnswlib, with 16 links; 100 candidates are kept to build it, and 64 to search."""

    def __init__(self, memory: Words) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="cosine", dim=WIDTH)
        self.index.init_index(max_elements=len(memory), M=16, ef_construction=100)
        self.index.set_ef(64)
        self.update(np.arange(len(memory)), memory)

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        return np.asarray(self.index.knn_query(keys, READS, num_threads=1)[0]).astype(np.int64)

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.index.add_items(words, slots, num_threads=1)


class USearch:
    """The graph of usearch, with its own numbers of links and candidates; a change removes and adds."""

    def __init__(self, memory: Words) -> None:
        from usearch.index import Index

        self.index = Index(ndim=WIDTH, metric="cos", dtype="f32")
        self.index.add(np.arange(len(memory)), memory, threads=1)

    def search(self, keys: Words) -> Slots:
        """See `Index`."""
        return np.asarray(self.index.search(keys, READS, threads=1).keys).astype(np.int64)

    def update(self, slots: Slots, words: Words) -> None:
        """See `Index`."""
        self.index.remove(slots, threads=1)
        self.index.add(slots, words, threads=1)


def _faiss() -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


INDICES: dict[str, Callable[[Words], Index]] = {
    "hashed": Hashed,
    "scan": Scan,
    "faiss flat": FaissFlat,
    "faiss IVF": FaissIVF,
    "hnswlib": Hnswlib,
    "usearch": USearch,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compare indices for a SAM's memory."""

    slots: tuple[int, ...] = (4096, 65_536, 1_048_576)
    """Numbers of slots."""
    indices: tuple[str, ...] = tuple(INDICES)
    """Indices to compare, some of these."""
    cosines: tuple[float, ...] = (0.9,)
    """Cosines of keys with the words of which they are copies; 0 for random keys."""
    steps: int = 50
    """Steps of a round."""
    rounds: int = 2
    """Number of rounds, in each of which all indices take their turn."""


@dataclass(frozen=True)
class Step:
    """What one step of a SAM asks of an index."""

    keys: Words
    """``[H, M]``."""
    copied: Slots
    """Slots of the words that they are copies of ``[H]``."""
    right: Slots
    """Slots that are most similar to them ``[H, K]``."""
    changed: Slots
    """Slots that change afterwards ``[U]``, each one once."""
    words: Words
    """What they contain then ``[U, M]``."""


def unit(words: Words) -> Words:
    """Return words ``[Q, M]`` with a norm of 1."""
    return np.asarray(words / np.linalg.norm(words, axis=1, keepdims=True))


def noisy_copies(words: Words, cosine: float, random: np.random.Generator) -> Words:
    """Return keys ``[Q, M]`` with this cosine to words."""
    words, noise = unit(words), random.standard_normal(words.shape, np.float32)
    noise -= (noise * words).sum(1, keepdims=True) * words
    return np.float32(cosine) * words + np.float32(np.sqrt(1 - cosine**2)) * unit(noise)


def sequence(memory: Words, steps: int, cosine: float, random: np.random.Generator) -> list[Step]:
    """Return steps, one after the other, that begin with a memory ``[N, M]``."""
    memory, taken = memory.copy(), []
    normed = torch.from_numpy(unit(memory))
    for t in range(steps):
        copied = random.integers(len(memory), size=HEADS)
        keys = noisy_copies(memory[copied], cosine, random)
        right = (torch.from_numpy(keys) @ normed.T).topk(READS).indices.numpy()
        oldest = np.arange(t * HEADS, (t + 1) * HEADS) % len(memory)
        read = np.setdiff1d(right, oldest)  # each one once
        changed = np.concatenate([oldest, read])
        words = random.standard_normal((len(changed), WIDTH), np.float32)
        words[HEADS:] = memory[read] + np.float32(0.1) * words[HEADS:]
        memory[changed] = words
        normed[changed] = torch.from_numpy(unit(words))
        taken.append(Step(keys, copied, right, changed, words))
    return taken


class Round(NamedTuple):
    """What was measured of an index in some steps."""

    search: float
    """Median of microseconds a step."""
    update: float
    """Median of microseconds a step."""
    itself: float
    """Share of keys for which the word is found that they are copies of."""
    recall: float
    """Share of the most similar slots that is found."""


def play(index: Index, steps: list[Step]) -> Round:
    """Take steps, and measure them."""
    times, itself, recalls = [], [], []
    for step in steps:
        clock = [time.process_time_ns()]
        found = index.search(step.keys)
        clock.append(time.process_time_ns())
        index.update(step.changed, step.words)
        clock.append(time.process_time_ns())
        times.append(np.diff(clock) / 1000)
        itself.append((found == step.copied[:, None]).any(1).mean())
        recalls += [len(np.intersect1d(*pair)) / READS for pair in zip(found, step.right, strict=True)]
    search_time, update_time = np.median(times, axis=0)
    return Round(search_time, update_time, float(np.mean(itself)), float(np.mean(recalls)))


def compare(slots: int, cosine: float, options: Options) -> list[tuple[str, ...]]:
    """Return rows of the table for one number of slots."""
    random = np.random.default_rng(0)
    memory = random.standard_normal((slots, WIDTH), np.float32)
    steps = sequence(memory, options.rounds * options.steps, cosine, random)
    indices, seconds = [], []
    for name in options.indices:
        start = time.process_time()
        indices.append(INDICES[name](memory))
        seconds.append(time.process_time() - start)
    rounds = [
        [play(index, steps[first : first + options.steps]) for index in indices]
        for first in range(0, len(steps), options.steps)
    ]
    rows = []
    for name, taken, mine in zip(options.indices, seconds, zip(*rounds, strict=True), strict=True):
        searches, updates, itself, recalls = zip(*mine, strict=True)
        times = [", ".join(f"{one:.0f}" for one in kind) for kind in (searches, updates)]
        found = f"{np.mean(itself):.2f}" if cosine else ""
        which = (name, f"{slots:,}", f"{cosine:g}", f"{taken:.1f}")
        rows.append((*which, *times, found, f"{np.mean(recalls):.2f}"))
    return rows


def main(options: Options) -> None:
    """Measure, and print a table for each number of slots."""
    torch.set_num_threads(1)
    compare(2048, 0.9, replace(options, steps=1))  # compiles and loads everything
    for slots in options.slots:
        table = Table("index", box=None)
        for name in ("slots", "cosine", "build", "search", "update", "itself", "recall"):
            table.add_column(name, justify="right")
        for cosine in options.cosines:
            for row in compare(slots, cosine, options):
                table.add_row(*row)
        Console(width=100).print(table)


if __name__ == "__main__":
    main(tyro.cli(Options))
