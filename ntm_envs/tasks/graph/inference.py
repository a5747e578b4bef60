"""Inference: follow relations through a graph, each a sequence of edges that has to be known by heart.

Source: Graves et al., *Hybrid computing using a neural network with dynamic external memory* (Nature 538,
2016), Methods and Extended Data Table 4. The attribute `lessons` is the curriculum of that table, after five
lessons of our own.

Other definitions: In the paper an answer ends with a reserved termination symbol. Here it is one triple, so
no symbol is needed. The paper has 400 relations too, but they are not these, and it has none of one edge,
which are for lessons. Its test on a family tree is left out.

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
from ntm_envs.tasks.base import Batch, SequenceTask, check_fraction, check_integer, check_range
from ntm_envs.tasks.graph import graphs
from ntm_envs.tasks.graph.graphs import LABELS
from ntm_envs.tasks.graph.relations import EACH, KINDS, LONGEST, QUERIES, labelled, planted, relations
from ntm_envs.tasks.graph.triples import ANSWER, CHANNELS, PHASE, GraphTask, digits, read, write
from ntm_envs.tasks.graph.view import GraphView, Part, answered, places
from ntm_envs.tasks.lessons import Lesson
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder


@dataclass(frozen=True, kw_only=True)
class Inference(GraphTask, SequenceTask):
    """The agent observes the edges of a graph, then answers three queries with a node and a relation each.

    The graph is described as in Traversal, with ``nodes`` N nodes, but the labels of its edges are from 0 to
    9. A relation is a sequence of ``relation`` R labels of edges, from 2 to 5, and has a label of its own,
    from 10 to 409. The 400 relations are the same in all episodes and are never shown, so the agent has to
    learn them. (For lessons, the edges are relations of length 1, with the same labels.) A query shows a node
    and a relation. After some steps without inputs, ``planning``, the agent outputs the query completed by
    the node at the end of the path with these edges. A flag marks the first step of each phase. The number of
    steps depends on the key, as the number of edges does.

    Timing, for edges 4 from a to b and 7 from b to c, the relation 25 of 4 and 7, and two steps of planning;
    two further queries follow::

        step     0  1  2  3  4  5
        source   b  a  a  .  .  .
        edge     7  4 25  .  .  .
        end      c  b  .  .  .  .
        phase    1  .  1  1  .  1
        answer   .  .  .  .  .  1
        target   .  .  .  .  .  t    (t is a 25 c)

    The edges along the queried paths are labelled first, so that these exist, then all others at random. A
    small graph may have no room for the paths of three queries; then queries are repeated.

    Example:
        >>> from ntm_envs.tasks.graph.triples import labels, read
        >>> batch = Inference(planning=0).episodes([5], nodes=3, relation=2)
        >>> read(batch.inputs[:8, 0]).tolist()  # -1 is not specified
        [[81, 9, 412], [412, 6, 395], [395, 6, 412], [395, 0, 81], [81, 7, 395], [412, 4, 81],
         [395, 76, -1], [-1, -1, -1]]
        >>> labels(batch.targets[7, 0]).tolist(), relations()[76].tolist()
        ([395, 76, 412], [0, 9, -1, -1, -1])
    """

    out_degree: tuple[int, int] = (2, 4)
    """Smallest and largest number of edges that leave a node, each from 2 to 10. A node of a graph with fewer
    other nodes has an edge to each of them."""
    planning: int = 10
    """Number of steps without inputs between a query and its answer, from 0 to 1000."""
    vocabulary: int = EACH
    """Number of relations of each length that queries are about, from 1 to 100: a task with few is a lesson.
    Of length 1 there are 10 in any case."""
    show_path: float = 0.0
    """Fraction of episodes in which the steps of planning ask for the path as well: the k-th one for its k-th
    edge or, behind the end, for its last edge. Observations do not tell which these are, so a model may be
    trained with such episodes and judged without."""

    keyed_steps: ClassVar[bool] = True
    lessons: ClassVar[tuple[Lesson, ...]] = (
        *(
            Lesson(
                sizes={"nodes": nodes, "relation": relation},
                parameters={"out_degree": (2, 2), "planning": 4, "vocabulary": vocabulary},
            )
            for nodes, relation, vocabulary in (
                (3, 1, 100),
                ((3, 6), 1, 100),
                ((3, 6), (1, 2), 10),
                ((3, 6), 2, 100),
                ((3, 6), (2, 3), 100),
            )
        ),
        *(
            Lesson(sizes={"nodes": nodes, "relation": relation}, parameters={"out_degree": out_degree})
            for nodes, out_degree, relation in (
                (3, (2, 2), 2),
                ((3, 5), (2, 2), 2),
                ((4, 6), (2, 4), 2),
                ((4, 6), (2, 4), 2),
                ((6, 12), (2, 4), 2),
                ((12, 18), (2, 4), 2),
                ((4, 6), (2, 4), (2, 3)),
                ((6, 12), (2, 4), (2, 3)),
                ((12, 18), (2, 4), (2, 3)),
                ((4, 6), (2, 4), (2, 4)),
                ((4, 6), (2, 4), (2, 4)),
                ((6, 12), (2, 4), (2, 4)),
                ((12, 18), (2, 4), (2, 4)),
                ((4, 6), (2, 4), (2, 5)),
                ((6, 12), (2, 4), (2, 5)),
                ((12, 18), (2, 4), (2, 5)),
                ((20, 25), (2, 4), (2, 5)),
            )
        ),
    )
    """Five lessons of our own, from single edges to relations of three edges, in small graphs and with few
    steps of planning; then the 17 of the paper, which are passed at 90 % of the answers."""

    def __post_init__(self) -> None:
        # With two edges at every node, and three nodes, there is a path for some query of every length.
        check_range(self, "out_degree", 2, KINDS)
        check_integer(self, "planning", 0, 1000)
        check_integer(self, "vocabulary", 1, EACH)
        check_fraction(self, "show_path")

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least three nodes, and no more than there are labels; relations of one to five edges."""
        return {"nodes": (3, LABELS), "relation": (1, LONGEST)}

    @property
    def constant_output(self) -> NDArray[np.uint8]:
        """A triple of zeros, but for the hundreds of the relation."""
        return np.array([0, 0, 0, 1, 0, 0, 0, 0, 0], np.uint8)

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``E + 3 * (2 + planning)``; E, the largest number of edges, is N times the out-degree."""
        return self.max_edges(sizes["nodes"]) + QUERIES * (2 + self.planning)

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of edges of the graph, and the steps of three queries."""
        edges: Integers = graphs.draw_degrees(keys, sizes["nodes"], self.out_degree).sum(axis=1)
        return edges + QUERIES * (2 + self.planning)

    def fill(self, batch: Batch) -> None:
        """Write the description of the graph, the queries, and their answers."""
        keys, rows = batch.keys, np.arange(len(batch.keys))
        graph = graphs.draw(keys, batch.sizes["nodes"], self.out_degree)
        edge_labels, answers = planted(keys, graph, batch.sizes, self.vocabulary)
        edge_labels = labelled(keys, graph, edge_labels)
        order = graphs.shuffled_edges(keys, graph, self.out_degree)
        shown = np.full((len(keys), len(batch.mask), 3), -1)
        shown[:, : order.shape[1]] = graphs.triples(graph, edge_labels, order)
        batch.inputs[0, rows, PHASE] = 1
        for i in range(QUERIES):
            asked = graph.degrees.sum(axis=1) + i * (2 + self.planning)
            at = asked + 1 + self.planning
            shown[rows, asked, :2] = answers[:, i, :2]
            for phase in (asked, asked + 1, at):
                batch.inputs[phase, rows, PHASE] = 1
            batch.inputs[at, rows, ANSWER] = 1
            batch.mask[at, rows] = True
            batch.targets[at, rows] = digits(answers[:, i])
        if self.show_path and self.planning:
            self._ask_for_paths(batch, shown, graph.degrees.sum(axis=1))
        write(batch.inputs.transpose(1, 0, 2), shown)

    def oracle(self) -> Agent:
        """Return an agent that knows the relations, and looks up one edge after the other."""
        return Solver(
            self.answers,
            asks=lambda now: (now[:, PHASE] == 1) & ~now[:, :CHANNELS].any(axis=1),
            answer=self._answer,
            at_once=True,
        )

    def view(self, key: int, sizes: Mapping[str, int]) -> GraphView:
        """Return a rendering of the graph, in which the path of a relation appears with its query."""
        batch = self.episodes(key, **sizes)
        shown, described = read(batch.inputs[:, 0]), int(np.flatnonzero(batch.inputs[:, 0, PHASE])[1])

        def parts(snapshot: Snapshot) -> list[Part]:
            found = []
            for at in np.flatnonzero(batch.inputs[:, 0, ANSWER]).tolist():
                asked = at - 1 - self.planning
                found.append(
                    Part(
                        asked=asked,
                        answered=at,
                        query=tuple(shown[asked].tolist()),
                        edges=_path(shown[:described], shown[asked]),
                        **answered(snapshot, at),
                    )
                )
            return found

        graph = graphs.draw(batch.keys, batch.sizes["nodes"], self.out_degree)
        return GraphView(places=places(graph), described=described, parts=parts)

    def _ask_for_paths(self, batch: Batch, shown: Integers, edges: Integers) -> None:
        """Ask for the paths of the queries of some episodes.

        Args:
            batch: The episodes.
            shown: Their triples ``[B, T, 3]``.
            edges: The number of edges of each graph ``[B]``.
        """
        chance = keyed.words(batch.keys, keyed.RARE, 1)[:, 0] >> np.uint64(32)
        for b in np.flatnonzero(chance < self.show_path * 2**32).tolist():
            for asked in (edges[b] + np.arange(QUERIES) * (2 + self.planning)).tolist():
                planned = slice(asked + 1, asked + 1 + self.planning)
                batch.mask[planned, b] = True
                batch.targets[planned, b] = self._steps(shown[b, : edges[b]], shown[b, asked])[:-1]

    def _answer(self, inputs: Floats) -> NDArray[np.uint8]:
        shown, described = read(inputs), int(np.flatnonzero(inputs[:, PHASE])[1])
        return self._steps(shown[:described], shown[-2])

    def _steps(self, described: Integers, query: Integers) -> NDArray[np.uint8]:
        """Return the digits ``[planning + 1, 9]`` of the path during planning, and of the answer."""
        path = _path(described, query)
        planned = [path[min(step, len(path) - 1)] for step in range(self.planning)]
        return digits(np.array([*planned, (*query[:2], path[-1][2])]))


def _path(described: Integers, query: Integers) -> list[tuple[int, int, int]]:
    """Return the triples of the path that a query asks for, through a graph of triples ``[E, 3]``."""
    ends = {(source, edge): end for source, edge, end in described.tolist()}
    node, path = int(query[0]), []
    for edge in relations()[int(query[1])].tolist():
        if edge >= 0:
            path.append((node, edge, node := ends[node, edge]))
    return path


ROW = TaskSpec(
    name="inference",
    env_id="ntm_envs/Inference-v0",
    suite="graph",
    order=2,
    task=Inference,
    summary="follow relations, known sequences of edges, through a graph",
    training={"nodes": (3, 10), "relation": (2, 5)},
    ladders=ladder("nodes", (10, 15, 20, 30, 40), relation=5),
    small={"nodes": (3, 4), "relation": (2, 3)},
    digest="3554b2626c2c7766",
)
