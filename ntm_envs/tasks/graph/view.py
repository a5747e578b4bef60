"""Renderings of episodes on graphs: nodes as points, edges as arrows, triples as numbers.

An edge appears when the agent observes it. An edge of the path is highlighted once the query has asked for
it, and coloured once the agent has answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.rendering import Snapshot
from ntm_envs.rendering.canvas import Canvas, Colour, Point
from ntm_envs.rendering.picture import EMPTY, INK, ONE, PAPER, PRESENT, WRONG
from ntm_envs.tasks.graph.graphs import SIDE, Graphs
from ntm_envs.tasks.graph.triples import labels, read

Triple = tuple[int, int, int]
"""Labels of source, edge and end; -1 where not specified."""
EDGE, FAINT = (168, 180, 196), (140, 150, 165)
LARGEST, COLUMN, SPACE = 640, 150, 20  # pixels: the largest graph, the narrowest text, and between them
MARGIN, RADIUS = 28, 5  # pixels: around the points, and of a node
LINE, LETTER, DOT = 15, 8, 2  # pixels: the height of a line, and the widths of a letter and of its dots


@dataclass(frozen=True, kw_only=True)
class Part:
    """A query and its answer.

    Attributes:
        asked: Step at which the agent observes the query.
        answered: Step at which it answers.
        query: Triple of the query.
        edges: Edges that lead to the answer.
        answer: Answer of the agent; None before.
        wrong: Wrong digits of the answer, bool ``[9]``; None before.
    """

    asked: int
    answered: int
    query: Triple
    edges: Sequence[Triple]
    answer: Triple | None = None
    wrong: NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True)
class GraphView:
    """The rendering of an episode.

    Attributes:
        places: Coordinates (x, y) of each node from 0 to 1, by its label.
        described: Number of steps that describe the graph.
        parts: Function from a snapshot to the queries of the episode, in order.
    """

    places: Mapping[int, Point]
    described: int
    parts: Callable[[Snapshot], Sequence[Part]]

    def lines(self, snapshot: Snapshot, width: int) -> list[str]:
        """Return the edges observed so far, then each query and its answer, with an ``x`` if it is wrong."""
        seen, parts = self._seen(snapshot), self._asked(snapshot)
        each = max(1, (width + 2 - 8) // 13)
        rows = ["  ".join(map(_words, seen[i : i + each])) for i in range(0, len(seen), each)]
        lines = [f"{'' if i else 'edges':8}{row}" for i, row in enumerate(rows)]
        for i, part in enumerate(parts):
            answer = _words(part.answer) if part.answer else ""
            mark = "  x" if part.wrong is not None and part.wrong.any() else ""
            lines.append(f"{'' if i else 'query':8}{_words(part.query)}  {answer}{mark}".rstrip())
        return [line[:width] for line in lines]

    def picture(self, snapshot: Snapshot, width: int) -> NDArray[np.uint8]:
        """Return the graph as far as it has been observed, and triples beside it."""
        side = min(width - COLUMN - SPACE, LARGEST)
        graph = Canvas(side, side, EMPTY)
        self._draw(graph, side, snapshot)
        text = Canvas(side, width - side, PAPER)
        self._write(text, side, snapshot)
        return np.concatenate([graph.pixels, text.pixels], axis=1)

    def _seen(self, snapshot: Snapshot) -> list[Triple]:
        """Return the edges observed so far."""
        shown = read(snapshot.inputs[: min(snapshot.now + 1, self.described)])
        return [(source, edge, end) for source, edge, end in shown.tolist()]

    def _asked(self, snapshot: Snapshot) -> list[Part]:
        """Return the queries observed so far."""
        return [part for part in self.parts(snapshot) if part.asked <= snapshot.now]

    def _draw(self, canvas: Canvas, side: int, snapshot: Snapshot) -> None:
        """Draw the graph: highlights below edges, edges below nodes, and labels above all."""
        at = {
            label: (MARGIN + x * (side - 2 * MARGIN), MARGIN + y * (side - 2 * MARGIN))
            for label, (x, y) in self.places.items()
        }
        seen, parts, now = self._seen(snapshot), self._asked(snapshot), snapshot.now
        current = seen[-1:] if now < self.described else []
        current += [edge for part in parts if now in (part.asked, part.answered) for edge in part.edges]
        for source, _, end in {*current, *(edge for part in parts for edge in part.edges)}:
            canvas.line(*_beside(at[source], at[end], 0), 9, PRESENT)
        for source, _, end in seen:
            canvas.arrow(*_beside(at[source], at[end], RADIUS + 2), 1.2, 7, EDGE)
        for part in parts:
            if part.wrong is not None:
                for source, _, end in part.edges:
                    line = _beside(at[source], at[end], RADIUS + 2)
                    canvas.arrow(*line, 2.4, 10, WRONG if part.wrong.any() else ONE)
                    if part.wrong.any():
                        _cross(canvas, _middle(*line))
        visible = dict.fromkeys(label for source, _, end in seen for label in (source, end))
        for label in {label for part in parts for label in part.query[::2]} & visible.keys():
            canvas.disc(at[label], RADIUS + 5, PRESENT)
        for label in visible:
            canvas.disc(at[label], RADIUS + 1.5, EMPTY)
            canvas.disc(at[label], RADIUS, INK)
        beside = dict(zip(at, _label_places(list(at.values())), strict=True))  # the same at all steps
        for label in visible:
            canvas.text(beside[label], f"{label:03d}", DOT, INK, EMPTY)
        for source, label, end in current:
            canvas.text(_middle(at[source], at[end]), f"{label:03d}", DOT, INK, PRESENT)

    def _write(self, canvas: Canvas, side: int, snapshot: Snapshot) -> None:
        seen, parts, now = self._seen(snapshot), self._asked(snapshot), snapshot.now
        _write(canvas, 0, f"edges {len(seen)}", INK)
        if now < self.described:
            _highlight(canvas, LINE)
            _write(canvas, LINE, _numbers(seen[-1]), INK)
        top = 3 * LINE
        for i, part in enumerate(parts[-((side - top) // LINE - 1) :]):
            if i == 0:
                _write(canvas, top, "answers", INK)
            top += LINE
            if now in (part.asked, part.answered):
                _highlight(canvas, top)
            _write(canvas, top, _numbers(part.query), FAINT)
            if part.answer is None or part.wrong is None:
                continue
            _write(canvas, top, _numbers(part.answer), ONE)
            for at in np.flatnonzero(part.wrong).tolist():
                _write(canvas, top, _numbers(part.answer)[at + at // 3], WRONG, at + at // 3)
            if part.wrong.any():
                _write(canvas, top, "x", WRONG, 12)


def places(graph: Graphs) -> dict[int, Point]:
    """Return the coordinates from 0 to 1 of the nodes of a single graph, by their labels."""
    points = (graph.points[0] / SIDE).tolist()
    return {label: (x, y) for label, (x, y) in zip(graph.labels[0].tolist(), points, strict=True)}


def answered(snapshot: Snapshot, step: int) -> dict[str, Any]:
    """Return the fields of a :class:`Part` for the answer at a step; none before that."""
    if step >= snapshot.now:
        return {}
    source, edge, end = labels(snapshot.actions[step]).tolist()
    return {"answer": (source, edge, end), "wrong": snapshot.wrong[step]}


def _numbers(triple: Triple) -> str:
    """Return the labels of a triple with three digits each."""
    return " ".join(f"{label:03d}" if label >= 0 else "..." for label in triple)


def _words(triple: Triple) -> str:
    """Return a triple as an arrow with three numbers."""
    source, edge, end = _numbers(triple).split()
    return f"{source}-{edge}>{end}"


def _beside(start: Point, end: Point, gap: float) -> tuple[Point, Point]:
    """Return a line from start to end that leaves gaps at both, and room for the line in reverse."""
    along = np.subtract(end, start)
    along = along / (np.hypot(*along) or 1)
    aside = 2.5 * np.array([-along[1], along[0]])
    (a, b), (c, d) = start + gap * along + aside, end - gap * along + aside
    return (a, b), (c, d)


def _middle(start: Point, end: Point) -> Point:
    """Return the point in the middle of a line."""
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2


def _label_places(nodes: Sequence[Point]) -> list[Point]:
    """Return a place for the label of each node, the one of four with the fewest nodes and labels around."""
    places: list[Point] = []
    across, up = 3 * LETTER, 5 * DOT + 3
    for x, y in nodes:
        beside = ((0, -14), (0, 14), (across * 0.5 + 8, 0), (-across * 0.5 - 8, 0))
        choices = [(x + right, y + down) for right, down in beside]
        crowd = [
            sum(abs(a - c) < across and abs(b - d) < up for a, b in places)
            + sum(abs(a - c) < across / 2 + RADIUS and abs(b - d) < up / 2 + RADIUS for a, b in nodes)
            for c, d in choices
        ]
        places.append(choices[crowd.index(min(crowd))])
    return places


def _cross(canvas: Canvas, centre: Point) -> None:
    """Mark an error."""
    (x, y), size = centre, 4
    canvas.disc(centre, 7, WRONG)
    for sign in (-1, 1):
        canvas.line((x - size / 2, y - sign * size / 2), (x + size / 2, y + sign * size / 2), 2, PAPER)


def _highlight(canvas: Canvas, top: float) -> None:
    """Mark a line of the column of text."""
    middle = top + 2.5 * DOT
    canvas.line((SPACE, middle), (SPACE + 11 * LETTER, middle), LINE - 2, PRESENT)


def _write(canvas: Canvas, top: float, text: str, colour: Colour, column: int = 0) -> None:
    """Write a line of the column of text, from the given letter on."""
    left = SPACE + LETTER * column
    canvas.text((left + 0.5 * (LETTER * len(text) - DOT), top + 2.5 * DOT), text, DOT, colour)
