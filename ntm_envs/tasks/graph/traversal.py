"""Traversal: follow a path of labelled edges through a graph.

Source: Graves et al., *Hybrid computing using a neural network with dynamic external memory* (Nature 538,
2016), Methods and Extended Data Table 3. The attribute `lessons` is the curriculum of that table.

Other definitions: In the paper an answer ends with a reserved termination symbol. Here it has as many triples
as the query, so no symbol is needed. The paper's test on the map of the London Underground is left out.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.rendering import Snapshot
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.graph import graphs
from ntm_envs.tasks.graph.graphs import CHOICES, LABELS, Graphs
from ntm_envs.tasks.graph.triples import ANSWER, PHASE, GraphTask, digits, labels, read, write
from ntm_envs.tasks.graph.view import GraphView, Part, answered, places
from ntm_envs.tasks.lessons import Lesson
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder


@dataclass(frozen=True, kw_only=True)
class Traversal(GraphTask, SequenceTask):
    """The agent observes the edges of a graph in random order, then a path by its labels, which it completes.

    The graph has ``nodes`` N nodes, each with edges to its nearest neighbours. Every step of the description
    shows an edge, a triple of three labels: source, edge, end. The labels of the edges that leave a node
    differ, but other nodes may use the same ones. The query is a random path of ``path`` P edges: the first
    triple shows its start and the label of its first edge, the others only the labels of the further edges.
    The agent outputs the complete triples of the path. A flag marks the first step of each of the three
    phases. The number of steps depends on the key, as the number of edges does.

    Timing, for two edges from a to b and from b to c, and a path of both::

        step     0  1  2  3  4  5
        source   b  a  a  .  .  .
        edge     y  x  x  y  .  .
        end      c  b  .  .  .  .
        phase    1  .  1  .  1  .
        answer   .  .  .  .  1  1
        target   .  .  .  .  t  u    (t is a x b, and u is b y c)

    Example:
        >>> from ntm_envs.tasks.graph.triples import labels, read
        >>> batch = Traversal().episodes([5], nodes=2, path=2)
        >>> read(batch.inputs[:, 0]).tolist()  # -1 is not specified
        [[395, 358, 412], [412, 261, 395], [395, 358, -1], [-1, 261, -1], [-1, -1, -1], [-1, -1, -1]]
        >>> labels(batch.targets[-2:, 0]).tolist()
        [[395, 358, 412], [412, 261, 395]]
    """

    keyed_steps: ClassVar[bool] = True
    lessons: ClassVar[tuple[Lesson, ...]] = tuple(
        Lesson(sizes={"nodes": nodes, "path": path}, parameters={"out_degree": out_degree})
        for nodes, out_degree, path in (
            ((3, 10), (2, 4), 1),
            ((3, 10), (2, 4), (1, 2)),
            ((5, 10), (2, 4), (1, 3)),
            ((5, 10), (2, 4), (1, 4)),
            ((10, 15), (2, 4), (1, 4)),
            ((10, 15), (2, 4), (1, 5)),
            ((10, 20), (2, 4), (1, 5)),
            ((10, 20), (2, 4), (1, 6)),
            ((10, 30), (2, 4), (1, 6)),
            ((10, 30), (2, 4), (1, 7)),
            ((10, 30), (2, 4), (1, 8)),
            ((10, 30), (2, 4), (1, 9)),
            ((10, 40), (2, 6), (1, 10)),
            ((10, 40), (2, 6), (1, 20)),
        )
    )
    """The curriculum of the paper."""

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two nodes, and no more than there are labels; at least one edge."""
        return {"nodes": (2, LABELS), "path": (1, 10_000)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``E + 2 * P``, where E is the largest number of edges: N times the largest out-degree."""
        return self.max_edges(sizes["nodes"]) + 2 * sizes["path"]

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of edges of the graph, and two steps for each edge of the path."""
        edges: Integers = graphs.draw_degrees(keys, sizes["nodes"], self.out_degree).sum(axis=1)
        return edges + 2 * sizes["path"]

    def fill(self, batch: Batch) -> None:
        """Write the description of the graph, the query, and the path."""
        keys, path, first = batch.keys, batch.sizes["path"], np.arange(len(batch.keys))
        graph = graphs.draw(keys, batch.sizes["nodes"], self.out_degree)
        edge_labels = graphs.draw_edge_labels(keys, graph, self.out_degree)
        order = graphs.shuffled_edges(keys, graph, self.out_degree)
        edges = graph.degrees.sum(axis=1)
        shown = np.full((len(keys), len(batch.mask), 3), -1)
        shown[:, : order.shape[1]] = graphs.triples(graph, edge_labels, order)
        walked = graphs.triples(graph, edge_labels, _walk(keys, graph, int(path.max(initial=0))))
        rows, step = np.nonzero(np.arange(walked.shape[1]) < path[:, None])
        answers = walked[rows, step]
        query = np.where(np.array([False, False, True]), -1, answers)
        query[step > 0, 0] = -1
        shown[rows, edges[rows] + step] = query
        write(batch.inputs.transpose(1, 0, 2), shown)
        for phase in (0, edges, edges + path):
            batch.inputs[phase, first, PHASE] = 1
        at = (edges + path)[rows] + step
        batch.inputs[at, rows, ANSWER] = 1
        batch.mask[at, rows] = True
        batch.targets[at, rows] = digits(answers)

    def oracle(self) -> Agent:
        """Return an agent that looks up one edge after the other."""
        return Solver(
            self.answers,
            asks=lambda now: (now[:, PHASE] == 1) & (now[:, ANSWER] == 1),
            answer=self._answer,
            at_once=True,
        )

    def view(self, key: int, sizes: Mapping[str, int]) -> GraphView:
        """Return a rendering of the graph, in which the path appears query by query."""
        batch = self.episodes(key, **sizes)
        shown, (_, query, end) = read(batch.inputs[:, 0]), np.flatnonzero(batch.inputs[:, 0, PHASE]).tolist()
        path = [tuple(triple) for triple in labels(batch.targets[end:, 0]).tolist()]

        def parts(snapshot: Snapshot) -> list[Part]:
            return [
                Part(
                    asked=query + i,
                    answered=end + i,
                    query=tuple(shown[query + i].tolist()),
                    edges=[edge],
                    **answered(snapshot, end + i),
                )
                for i, edge in enumerate(path)
            ]

        graph = graphs.draw(batch.keys, batch.sizes["nodes"], self.out_degree)
        return GraphView(places=places(graph), described=query, parts=parts)

    @staticmethod
    def _answer(inputs: Floats) -> NDArray[np.uint8]:
        shown, (_, query, end) = read(inputs).tolist(), np.flatnonzero(inputs[:, PHASE])
        ends = {(source, edge): end for source, edge, end in shown[:query]}
        node, path = shown[query][0], []
        for _, edge, _ in shown[query:end]:
            path.append((node, edge, node := ends[node, edge]))
        return digits(np.array(path))


def _walk(keys: keyed.Keys, graph: Graphs, length: int) -> Integers:
    """Return the edges of random paths ``[B, length]``, as numbers of :func:`graphs.shuffled_edges`."""
    words, rows = keyed.words(keys, keyed.DATA, 1 + length, CHOICES), np.arange(len(keys))
    node = keyed.below(words[:, 0], (graph.degrees > 0).sum(axis=1))
    edges = np.zeros((len(keys), length), np.int64)
    for step in range(length):
        slot = keyed.below(words[:, 1 + step], graph.degrees[rows, node])
        edges[:, step] = node * graph.ends.shape[2] + slot
        node = graph.ends[rows, node, slot]
    return edges


ROW = TaskSpec(
    name="traversal",
    env_id="ntm_envs/Traversal-v0",
    suite="graph",
    order=1,
    task=Traversal,
    summary="follow a path of labelled edges through a graph",
    training={"nodes": (3, 10), "path": (1, 5)},
    ladders=ladder("nodes", (10, 15, 20, 30, 40), path=5) | ladder("path", (5, 7, 10, 20), nodes=10),
    small={"nodes": (2, 4), "path": (1, 3)},
    digest="57774b5e69c47db6",
)
