"""Random graphs: nodes in a square, each with edges to its nearest neighbours.

Source: Graves et al., *Hybrid computing using a neural network with dynamic external memory* (Nature 538,
2016), Methods. Points are uniform in the unit square. Each node has edges to its K nearest neighbours, with K
uniform in a range and drawn for each node. Labels of nodes are different numbers from 0 to 999; so are the
labels of the edges that leave one node.

Coordinates are integers of 24 bits, so distances are exact on every platform. Ties go to the lower index.

Shape letters: B graphs, N nodes of the largest graph, K edges per node, E edges of the graph with the most.

Example:
    >>> graphs = draw(np.array([5]), np.array([4]), (1, 2))
    >>> graphs.labels.tolist(), graphs.degrees.tolist()
    ([[412, 395, 81, 175]], [[2, 1, 1, 2]])
    >>> graphs.ends.tolist()  # the indices of nodes, of which the last may be beyond the degree
    [[[3, 2], [2, 3], [1, 3], [0, 2]]]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.sizes import Integers

LABELS = 1000
"""Number of labels."""
SIDE = 2**24
"""Side of the square."""
# Indices of the first words of each use. A graph of 1000 nodes has less than 2**20 edges.
POINTS, DEGREES, NODES, EDGES, ORDER, CHOICES, SPAN = (use * 2**20 for use in range(7))


@dataclass(frozen=True, kw_only=True, eq=False)
class Graphs:
    """A batch of graphs, padded to the number of nodes of the largest.

    Attributes:
        points: Coordinates of the nodes from 0 to `SIDE` - 1, int64 ``[B, N, 2]``.
        labels: Labels of the nodes, int64 ``[B, N]``.
        degrees: Number of edges that leave each node, int64 ``[B, N]``; 0 in the padding.
        ends: Index of the node at the end of each edge, the nearest first, int64 ``[B, N, K]``.
    """

    points: Integers
    labels: Integers
    degrees: Integers
    ends: Integers

    @property
    def present(self) -> NDArray[np.bool_]:
        """True for edges, False for padding, bool ``[B, N, K]``."""
        there: NDArray[np.bool_] = np.arange(self.ends.shape[2]) < self.degrees[:, :, None]
        return there


def draw(
    keys: keyed.Keys, nodes: Integers, out_degree: tuple[int, int], attempt: int | Integers = 0
) -> Graphs:
    """Draw the graphs of keys.

    Args:
        keys: Keys ``[B]``.
        nodes: Number of nodes of each graph ``[B]``, from 2 to 1000.
        out_degree: Smallest and largest number of edges that leave a node. A node of a small graph has fewer,
            an edge to every other node.
        attempt: Index of the points and degrees among those of the key; one for all keys or ``[B]``.
    """
    most = int(nodes.max(initial=2))
    words = keyed.words(keys, keyed.DATA, most, attempt * SPAN + POINTS) >> np.uint64(16)
    points = np.stack([words >> np.uint64(24), words % np.uint64(SIDE)], axis=-1).astype(np.int64)
    return Graphs(
        points=points,
        labels=distinct(keyed.words(keys, keyed.DATA, most, NODES), LABELS),
        degrees=draw_degrees(keys, nodes, out_degree, attempt),
        ends=_nearest(points, nodes, min(out_degree[1], most - 1)),
    )


def draw_degrees(
    keys: keyed.Keys, nodes: Integers, out_degree: tuple[int, int], attempt: int | Integers = 0
) -> Integers:
    """Return the degrees ``[B, N]`` of the graphs of keys; the arguments are those of :func:`draw`."""
    (low, high), most = out_degree, int(nodes.max(initial=2))
    words = keyed.words(keys, keyed.DATA, most, attempt * SPAN + DEGREES)
    degrees = np.minimum(low + keyed.below(words, high - low + 1), nodes[:, None] - 1)
    degrees[np.arange(most) >= nodes[:, None]] = 0
    return degrees


def draw_edge_labels(keys: keyed.Keys, graphs: Graphs, out_degree: tuple[int, int]) -> Integers:
    """Return labels of the edges ``[B, N, K]``, different among those that leave one node."""
    B, N, K = graphs.ends.shape
    words = keyed.words(keys, keyed.DATA, N * out_degree[1], EDGES).reshape(B * N, -1)[:, :K]
    return distinct(words, LABELS).reshape(B, N, K)


def shuffled_edges(keys: keyed.Keys, graphs: Graphs, out_degree: tuple[int, int]) -> Integers:
    """Return the edges in a random order, ``[B, E]``.

    Edge k of node n is number ``n * K + k``; -1 follows the last edge.
    """
    B, N, K = graphs.ends.shape
    words = keyed.words(keys, keyed.DATA, N * out_degree[1], ORDER)
    words = words.reshape(B, N, -1)[:, :, :K] >> np.uint64(1)
    last = np.uint64(2**64 - 1)
    order = np.where(graphs.present, words, last).reshape(B, -1).argsort(axis=1, kind="stable")
    edges = graphs.degrees.sum(axis=1)
    order = order[:, : int(edges.max(initial=0))]
    order[np.arange(order.shape[1]) >= edges[:, None]] = -1
    return order


def triples(graphs: Graphs, edge_labels: Integers, edges: Integers) -> Integers:
    """Return labels (source, edge, destination) of edges, ``[B, E, 3]``; -1 for edges that are -1.

    Args:
        graphs: The graphs.
        edge_labels: Labels of all edges ``[B, N, K]``.
        edges: Numbers of edges ``[B, E]``, as :func:`shuffled_edges` returns them.
    """
    rows, K = np.arange(len(edges))[:, None], graphs.ends.shape[2]
    source, slot = edges // K, edges % K
    end = graphs.ends[rows, source, slot]
    labels = [graphs.labels[rows, source], edge_labels[rows, source, slot], graphs.labels[rows, end]]
    return np.where(edges[:, :, None] >= 0, np.stack(labels, axis=2), -1)


def distinct(words: keyed.Words, total: int) -> Integers:
    """Draw different numbers below ``total``, one for each word ``[..., count]`` of a row.

    A word draws the rank of its number among those that are left.
    """
    drawn = np.zeros(words.shape, np.int64)
    for i in range(words.shape[1]):
        rank = keyed.below(words[:, i], total - i)
        before = np.sort(drawn[:, :i], axis=1) - np.arange(i)
        drawn[:, i] = rank + (before <= rank[:, None]).sum(axis=1)
    return drawn


def _nearest(points: Integers, nodes: Integers, count: int) -> Integers:
    """Return the indices of the nearest neighbours of each node, ``[B, N, count]``."""
    index = np.arange(points.shape[1])
    across, up = (axis[:, :, None] - axis[:, None] for axis in (points[:, :, 0], points[:, :, 1]))
    distance = across * across + up * up
    distance[:, index, index] = -1  # a node itself comes first
    distance[np.broadcast_to((index >= nodes[:, None])[:, None], distance.shape)] = 2 * SIDE**2
    # The distance and the index in one number, as sorting numbers is faster than sorting indices by them.
    return np.sort(distance * LABELS + index, axis=2)[:, :, 1 : count + 1] % LABELS
