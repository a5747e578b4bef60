"""ShortestPath: walk from one node of a graph to another, along as few edges as possible.

Source: Graves et al., *Hybrid computing using a neural network with dynamic external memory* (Nature 538,
2016), Methods and Extended Data Table 5. The attribute `lessons` is the curriculum of that table.

Other definitions: In the paper the most probable of the edges that leave the present node is taken, and an
answer ends with a reserved termination symbol. Here the edge with the most digits of the answer is taken, and
an episode ends at the end of the path or with the first error, so no symbol is needed. The paper's test on
the map of the London Underground is left out.

Versions: v0, the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.rendering import Snapshot
from ntm_envs.restoring import check_range
from ntm_envs.tasks.base import check_integer
from ntm_envs.tasks.graph import graphs
from ntm_envs.tasks.graph.graphs import CHOICES, LABELS, Graphs
from ntm_envs.tasks.graph.triples import ANSWER, PHASE, GraphTask, digits, labels, read, write
from ntm_envs.tasks.graph.view import GraphView, Part, places
from ntm_envs.tasks.lessons import Lesson
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder
from ntm_envs.tasks.state_machine import InteractiveTask, State

ATTEMPTS = 16
"""Largest number of graphs that are drawn to find one with a shortest path of the wanted length."""


@dataclass(frozen=True, kw_only=True)
class ShortestPath(GraphTask, InteractiveTask):
    """The agent observes the edges of a graph and two nodes, then walks from one to the other.

    The graph is described as in Traversal, with ``nodes`` N nodes. The query is a triple of the start and the
    end, without an edge. After some steps without inputs, ``planning``, the agent outputs the triples of a
    shortest path, one per step. It moves along the edge that leaves the present node and agrees with the
    output in the most digits, the first one described if there are several, and observes it at the next step.
    A move on a shortest path, whichever there are, earns 1 / P for a path of P edges. Any other move earns
    -1 / P and ends the episode, as does the last move of the path. A flag marks the first step of each phase.
    Uniform guesses return about 0.

    The shortest path has ``path`` P edges. If none of 16 graphs has one of that length, it is the longest in
    any of them with fewer edges. The number of steps depends on the key, as the number of edges does.

    Timing, for edges from a to b and from b to c, a query for a path from a to c, and one step of planning::

        step     0  1  2  3  4  5
        source   b  a  a  .  .  a
        edge     y  x  .  .  .  x
        end      c  b  c  .  .  b
        phase    1  .  1  1  1  .
        answer   .  .  .  .  1  1
        action   .  .  .  .  t  u    (t is a x b, and u is b y c)

    Example:
        >>> from ntm_envs.tasks.graph.triples import labels
        >>> task = ShortestPath(out_degree=(1, 2))
        >>> state = task.begin(np.array([5]), {"nodes": np.array([3]), "path": np.array([2])})
        >>> labels(state["triples"])[0].tolist()
        [[81, 126, 395], [81, 358, 412], [395, 212, 81], [412, 261, 81]]
        >>> labels(state["query"])[0, [0, 2]].tolist(), labels(task.expert(state))[0].tolist()
        ([395, 412], [395, 212, 81])
    """

    planning: int = 10
    """Number of steps without inputs between the query and the first move, from 0 to 1000."""

    lessons: ClassVar[tuple[Lesson, ...]] = tuple(
        Lesson(sizes={"nodes": nodes, "path": path}, parameters={"out_degree": out_degree})
        for nodes, out_degree, path in (
            ((5, 10), (1, 2), 2),
            ((5, 20), (1, 2), 2),
            ((10, 20), (1, 2), 2),
            ((10, 20), (1, 2), (2, 3)),
            ((10, 20), (1, 3), (2, 3)),
            ((10, 20), (2, 3), (2, 3)),
            ((10, 20), (2, 3), (2, 4)),
            ((10, 20), (2, 4), (2, 4)),
            ((10, 25), (2, 4), (2, 4)),
            ((10, 25), (2, 4), (2, 5)),
            ((10, 25), (2, 4), (2, 5)),
            ((15, 25), (2, 4), (2, 5)),
            ((15, 25), (2, 5), (2, 5)),
            ((20, 25), (2, 5), (2, 5)),
            ((20, 25), (2, 6), (2, 5)),
        )
    )
    """The curriculum of the paper, whose lessons are passed at 80 % of 50 episodes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "planning", 0, 1000)

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two nodes, and no more than there are labels; at least one edge."""
        return {"nodes": (2, LABELS), "path": (1, LABELS - 1)}

    @property
    def constant_output(self) -> NDArray[np.uint8]:
        """A triple of zeros."""
        return np.zeros(self.answers.width, np.uint8)

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``E + 1 + planning + P``; E, the largest number of edges, is N times the out-degree."""
        return self.max_edges(sizes["nodes"]) + 1 + self.planning + sizes["path"]

    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return -1, for the wrong move on a path of one edge, and 1."""
        return np.full_like(sizes["path"], -1), np.ones_like(sizes["path"])

    def begin(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> State:
        """Return the states before the first edge is described.

        `triples` ``[B, E, 9]`` are the edges in the order of their description, and `source`, `end` the
        indices of their nodes ``[B, E]``. `closer` ``[B, E]`` is true for edges on a shortest path to the
        end. `taken` is the last edge that the agent has moved along.
        """
        return self._state(keys, sizes["path"], *self._graphs(keys, sizes))

    def _state(self, keys: keyed.Keys, path: Integers, graph: Graphs, distance: Integers) -> State:
        """Return the states before the first edge is described, for the results of `_graphs`."""
        edge_labels = graphs.draw_edge_labels(keys, graph, self.out_degree)
        order, rows = graphs.shuffled_edges(keys, graph, self.out_degree), np.arange(len(keys))
        source, slot = order // graph.ends.shape[2], order % graph.ends.shape[2]
        length = distance.max(axis=(1, 2), initial=0)
        start, goal = _pair(keys, distance == length[:, None, None])
        end, away = graph.ends[rows[:, None], source, slot], distance[rows, :, goal]
        ahead = away[rows[:, None], source]
        described, none = graphs.triples(graph, edge_labels, order), np.zeros(len(keys), np.int64)
        query = np.stack([graph.labels[rows, start], none, graph.labels[rows, goal]], axis=1)
        return {
            "triples": digits(np.maximum(described, 0)),
            "source": source,
            "end": end,
            "closer": (ahead > 0) & (away[rows[:, None], end] == ahead - 1),
            "edges": graph.degrees.sum(axis=1),
            "query": digits(query),
            "path": path,
            "length": length,
            "node": start,
            "moves": none,
            "taken": none.copy(),
            "step": none.copy(),
        }

    def observe(self, state: State) -> NDArray[np.float32]:
        """Return the present edge of the description, the query, or the edge that was taken, ``[B, 92]``."""
        rows, edges, step = np.arange(len(state["step"])), state["edges"], state["step"]
        described, asks, answers = step < edges, step == edges, step >= edges + 1 + self.planning
        shown = state["triples"][rows, np.where(described, step, state["taken"])]
        triples = labels(np.where(asks[:, None], state["query"], shown))
        triples[asks, 1] = -1
        triples[~(described | asks | (answers & (state["moves"] > 0)))] = -1
        observations = np.zeros((len(rows), self.input_size), np.float32)
        write(observations, triples)
        first = edges + 1 + self.planning
        observations[:, PHASE] = (step == 0) | asks | (step == edges + 1) | (step == first)
        observations[:, ANSWER] = answers
        return observations

    def act(self, state: State, answers: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Move along the edge that agrees the most with the answer, if it is time to answer."""
        rows, moving = np.arange(len(answers)), self.asks(state)
        agreeing = (state["triples"] == answers[:, None]).sum(axis=2)
        edge = np.where(self._leaving(state), agreeing, -1).argmax(axis=1)
        right = state["closer"][rows, edge]
        state["taken"] = np.where(moving, edge, state["taken"])
        state["node"] = np.where(moving, state["end"][rows, edge], state["node"])
        state["moves"] = state["moves"] + (moving & right)
        state["step"] = state["step"] + 1
        rewards = np.where(moving, np.where(right, 1.0, -1.0) / state["length"], 0.0)
        return rewards, moving & (~right | (state["moves"] >= state["length"]))

    def check_state(self, state: State, start: State) -> None:
        """Check that the graph is that of `start`, and that moves lead to the present node."""
        rows, edges, step = np.arange(len(start["edges"])), start["edges"], state["step"]
        inside = np.arange(start["source"].shape[1]) < edges[:, None]  # values after the last are arbitrary
        described = dict.fromkeys(("source", "end", "closer"), inside) | {"triples": inside[:, :, None]}
        for name in (*described, "edges", "query", "path", "length"):
            if ((state[name] != start[name]) & described.get(name, True)).any():
                raise ValueError(f"{name!r} of the state is not that of its key; expected the same")
        check_range("step", step, 0, edges + 1 + self.planning + start["length"])
        check_range("taken", state["taken"], 0, edges - 1)
        made = np.maximum(step - edges - 1 - self.planning, 0)
        check_range("moves", state["moves"], 0, made)
        node = np.where(made > 0, start["end"][rows, state["taken"]], start["node"])
        if (state["node"] != node).any() or (made - state["moves"] > 1).any():
            raise ValueError("'node' or 'moves' of the state is not what 'step' and 'taken' lead to")

    def asks(self, state: State) -> NDArray[np.bool_]:
        """Return where it is time to move ``[B]``."""
        asks: NDArray[np.bool_] = state["step"] >= state["edges"] + 1 + self.planning
        return asks

    def expert(self, state: State) -> NDArray[np.uint8]:
        """Return the first edge described that continues a shortest path ``[B, 9]``."""
        best = (self._leaving(state) & state["closer"]).argmax(axis=1)
        found: NDArray[np.uint8] = state["triples"][np.arange(len(best)), best]
        return found

    def count_symbols(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the length of the path."""
        return sizes["path"]

    def count_wrong(self, state: State) -> Integers:
        """Return the number of moves that are missing, 0 at the end of a shortest path."""
        return np.where(state["moves"] == state["length"], 0, state["path"] - state["moves"])

    def oracle(self) -> Agent:
        """Return an agent that searches the graph breadth-first."""
        return Solver(
            self.answers,
            asks=lambda now: (now[:, PHASE] == 1) & (now[:, ANSWER] == 1),
            answer=_answer,
            at_once=True,
        )

    def view(self, key: int, sizes: Mapping[str, int]) -> GraphView:
        """Return a rendering of the graph, in which the moves of the agent appear."""
        keys, drawn = np.array([key]), {name: np.array([size]) for name, size in sizes.items()}
        graph, distance = self._graphs(keys, drawn)
        described = int(graph.degrees.sum())
        first = described + 1 + self.planning
        begun = self._state(keys, drawn["path"], graph, distance) | {"step": np.array([first])}

        def parts(snapshot: Snapshot) -> list[Part]:
            state = dict(begun)  # `act` replaces arrays
            start, _, goal = labels(state["query"])[0].tolist()
            found = [Part(asked=described, answered=described, query=(start, -1, goal), edges=[])]
            for step in range(first, snapshot.steps):
                query = (int(graph.labels[0, state["node"][0]]), -1, -1)
                if step >= snapshot.now:
                    return [*found, Part(asked=step, answered=step, query=query, edges=[])]
                self.act(state, snapshot.actions[step : step + 1])
                source, edge, end = labels(state["triples"][0, state["taken"][0]]).tolist()
                taken, wrong = (source, edge, end), snapshot.wrong[step]
                found.append(
                    Part(asked=step, answered=step, query=query, edges=[taken], answer=taken, wrong=wrong)
                )
            return found

        return GraphView(places=places(graph), described=described, parts=parts)

    def _leaving(self, state: State) -> NDArray[np.bool_]:
        """Return the edges that leave the present node, bool ``[B, E]``."""
        leaving: NDArray[np.bool_] = state["source"] == state["node"][:, None]
        return leaving & (np.arange(leaving.shape[1]) < state["edges"][:, None])

    def _graphs(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Graphs, Integers]:
        """Return the graphs of keys and the lengths of all their shortest paths, ``[B, N, N]``.

        Lengths are -1 beyond the wanted one, and where there is no path.
        """
        # A shortest path of P edges passes P + 1 nodes, and the first has edges to others besides the second.
        nodes = sizes["nodes"]
        wanted = np.minimum(sizes["path"], nodes - np.minimum(self.out_degree[0], nodes - 1))
        attempt = np.zeros(len(keys), np.int64)
        graph = graphs.draw(keys, nodes, self.out_degree, attempt)
        distance = _distances(graph, wanted)
        short = np.flatnonzero(distance.max(axis=(1, 2), initial=0) < wanted)
        if len(short):
            rows = short.repeat(ATTEMPTS)
            others = graphs.draw(keys[rows], nodes[rows], self.out_degree, np.arange(len(rows)) % ATTEMPTS)
            longest = _distances(others, wanted[rows]).max(axis=(1, 2))
            attempt[short] = longest.reshape(-1, ATTEMPTS).argmax(axis=1)
            graph = graphs.draw(keys, nodes, self.out_degree, attempt)
            distance = _distances(graph, wanted)
        return graph, distance


def _distances(graph: Graphs, most: Integers) -> Integers:
    """Return the lengths of shortest paths ``[B, N, N]`` up to ``most [B]``, and -1 for all others."""
    B, N, K = graph.ends.shape
    rows = np.arange(B)[:, None]
    ends = np.where(graph.present, graph.ends, np.arange(N)[:, None])  # without further edges, stay
    reached = np.tile(np.eye(N, dtype=np.bool_), (B, 1, 1))
    left, distance = ~reached, np.where(reached, 0, -1)
    for length in range(1, int(most.max(initial=0)) + 1):
        reached = np.logical_or.reduce([reached[rows, ends[:, :, slot]] for slot in range(K)])
        new = reached & left
        new[length > most] = False
        if not new.any():
            break
        distance[new] = length
        left ^= new
    return distance


def _pair(keys: keyed.Keys, pairs: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Draw one of the pairs of nodes ``[B, N, N]`` that are true, and return the indices of both nodes."""
    B, N, _ = pairs.shape
    flat = pairs.reshape(B, -1)
    chosen = keyed.below(keyed.words(keys, keyed.DATA, 1, CHOICES)[:, 0], flat.sum(axis=1))
    pair = (flat.cumsum(axis=1) > chosen[:, None]).argmax(axis=1)
    return pair // N, pair % N


def _answer(inputs: Floats) -> NDArray[np.uint8]:
    """Return the digits of a shortest path ``[A, 9]``, given the observations until the first move."""
    shown, query = read(inputs).tolist(), int(np.flatnonzero(inputs[:, PHASE])[1])
    start, _, goal = shown[query]
    paths: dict[int, list[list[int]]] = {start: []}
    waiting = deque([start])
    while goal not in paths:
        node = waiting.popleft()
        for triple in shown[:query]:
            if triple[0] == node and triple[2] not in paths:
                paths[triple[2]] = [*paths[node], triple]
                waiting.append(triple[2])
    return digits(np.array(paths[goal]))


ROW = TaskSpec(
    name="shortest_path",
    env_id="ntm_envs/ShortestPath-v0",
    suite="graph",
    order=3,
    task=ShortestPath,
    summary="walk from one node of a graph to another, along as few edges as possible",
    training={"nodes": (5, 10), "path": (1, 5)},
    ladders=ladder("nodes", (10, 15, 20, 30, 40), path=5),
    small={"nodes": (2, 5), "path": (1, 2)},
    digest="261cc33a9ec6185e",
)
