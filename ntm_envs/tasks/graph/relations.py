"""Relations of Inference, and graphs in which the paths of queries exist.

A relation is a sequence of labels of edges. See :mod:`ntm_envs.tasks.graph.inference`.

Shape letters: B graphs, N nodes, K edges per node, E labels of a relation, R walks.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.graph import graphs
from ntm_envs.tasks.graph.graphs import CHOICES, EDGES, Graphs
from ntm_envs.tasks.sizes import Integers

QUERIES = 3
"""Number of queries per episode."""
KINDS = 10
"""Number of labels of edges, from 0 upwards."""
LONGEST, EACH = 5, 100
"""Largest length of a relation, and the number of relations of each length from 2 on."""
ATTEMPTS = 16
"""Largest number of draws of a query after the first."""


@functools.cache
def relations() -> Integers:
    """Return the labels of the edges of all relations by their own labels ``[410, 5]``, -1 after the last.

    Relations 0 to 9 are edges. The next hundred have two edges each, and every further hundred one more.
    Relations of the same length differ. They are the same in all episodes.
    """
    found = np.full((_first(LONGEST + 1), LONGEST), -1)
    found[:KINDS, 0] = np.arange(KINDS)
    for length in range(2, LONGEST + 1):
        words = keyed.words(np.zeros(1, np.int64), keyed.FIXED, EACH, length * EACH)
        numbers = graphs.distinct(words, KINDS**length)[0]
        own = found[_first(length) : _first(length + 1), :length]
        own[:] = numbers[:, None] // KINDS ** np.arange(length)[::-1] % KINDS
    return found


def _first(length: Any) -> Any:
    """Return the label of the first relation of each length."""
    return np.where(length == 1, 0, KINDS + EACH * (length - 2))


def planted(
    keys: keyed.Keys, graph: Graphs, sizes: Mapping[str, Integers], vocabulary: int
) -> tuple[Integers, Integers]:
    """Draw queries and label the edges along their paths.

    A query that contradicts the labels of earlier queries, or itself, is drawn again. After `ATTEMPTS` draws
    the first query is repeated.

    Returns:
        The labels of edges ``[B, N, K]``, -1 where there is none yet, and the triples ``[B, 3, 3]`` of labels
        that complete the queries.
    """
    edge_labels, answers = np.full(graph.ends.shape, -1), np.zeros((len(keys), QUERIES, 3), np.int64)
    for i in range(QUERIES):
        pending, attempts = np.arange(len(keys)), range(1)
        while len(pending) and (i == 0 or attempts.start < ATTEMPTS):
            start = CHOICES + 2**18 * i + 8 * attempts.start
            words = keyed.words(keys[pending], keyed.DATA, 8 * len(attempts), start).reshape(-1, 8)
            rows = pending.repeat(len(attempts))
            node = keyed.below(words[:, 0], sizes["nodes"][rows])
            length = sizes["relation"][rows]
            count = np.where(length == 1, KINDS, vocabulary)
            relation = _first(length) + keyed.below(words[:, 1], count)
            own = edge_labels[rows]
            end, possible = _follow(own, graph, rows, node, relations()[relation], words[:, 2:])
            ends = [graph.labels[rows, node], relation, graph.labels[rows, end]]
            possible = possible.reshape(len(pending), -1)
            found = possible.any(axis=1)
            first = np.flatnonzero(found) * len(attempts) + possible.argmax(axis=1)[found]
            edge_labels[pending[found]] = own[first]
            answers[pending[found], i] = np.stack(ends, axis=1)[first]
            pending = pending[~found]
            attempts = range(attempts.stop, attempts.stop + ATTEMPTS - 1)  # at once, as few rows are left
        answers[pending, i] = answers[pending, 0]
    return edge_labels, answers


def _follow(
    edge_labels: Integers,
    graph: Graphs,
    which: Integers,
    node: Integers,
    wanted: Integers,
    words: keyed.Words,
) -> tuple[Integers, NDArray[np.bool_]]:
    """Walk along edges with the wanted labels, and give labels to edges without one where needed.

    Args:
        edge_labels: Labels of edges ``[R, N, K]``, which are updated.
        graph: The graphs.
        which: Indices of the graphs that are walked through ``[R]``.
        node: Indices of the nodes where the walks start ``[R]``.
        wanted: Labels ``[R, 5]``, -1 after the last.
        words: Random words ``[R, 5]`` at least.

    Returns:
        Indices of the nodes where the walks end ``[R]``, and bools ``[R]`` that are false where a node had
        neither an edge with the wanted label nor one without a label.
    """
    rows, possible, present = np.arange(len(which)), np.ones(len(which), np.bool_), graph.present
    for step in range(LONGEST):
        own, label = edge_labels[rows, node], wanted[:, step]
        labelled = own == label[:, None]
        free = (own < 0) & present[which, node]
        chosen = keyed.below(words[:, step], np.maximum(free.sum(axis=1), 1))
        drawn = (free.cumsum(axis=1) > chosen[:, None]).argmax(axis=1)
        known = labelled.any(axis=1)
        slot = np.where(known, labelled.argmax(axis=1), drawn)
        walks = label >= 0
        possible &= ~walks | known | free.any(axis=1)
        moved = walks & possible
        edge_labels[rows[moved], node[moved], slot[moved]] = label[moved]
        node = np.where(moved, graph.ends[which, node, slot], node)
    return node, possible


def labelled(keys: keyed.Keys, graph: Graphs, edge_labels: Integers) -> Integers:
    """Label the other edges at random; labels of edges that leave one node differ."""
    B, N, _ = graph.ends.shape
    words = keyed.words(keys, keyed.DATA, N * KINDS, EDGES).reshape(B, N, KINDS) >> np.uint64(1)
    taken = (edge_labels[..., None] == np.arange(KINDS)).any(axis=2)
    left = np.where(taken, np.uint64(2**64 - 1), words).argsort(axis=2, kind="stable")
    missing = edge_labels < 0
    place = np.maximum(missing.cumsum(axis=2) - 1, 0)
    return np.where(missing, np.take_along_axis(left, place, axis=2), edge_labels)
