"""The charts of the page: Vega-Lite specifications that hold their own numbers.

The parameters of a chart (``shown``, ``task``) are set by the controls of the page.
Source: https://vega.github.io/vega-lite/docs/, version 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHOWN = 8
"""Number of agents, the best of a task, that its charts show at first; more would hide each other."""
CHARTED = 36
"""Largest number of agents in a chart, the first of their ranking: no two of so many look alike."""
COSTS = {"parameters": "parameters", "sequences": "training sequences", "seconds": "training seconds"}
"""Costs that scores are drawn against: fields of a result's training, and their names."""
ALL = "all tasks"


def ladder_chart(curves: dict[str, Any], marks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the Vega-Lite chart of accuracy against a size."""
    size, values = curves["size"], curves["values"]
    left = values[0] / 3  # most of the width is for what is beyond training
    shown = {"filter": "indexof(shown, datum.agent) >= 0"}
    agent = _agent_encoding(curves["agents"], marks)
    value = {"field": "size", "type": "quantitative", "title": size}
    tooltip = [{"field": "agent", "type": "nominal"}, value]
    accuracy = {"field": "accuracy", "type": "quantitative", "format": ".3f", "title": curves["measure"]}
    bounds = [{"field": name, "type": "quantitative", "format": ".3f"} for name in ("low", "high")]
    return {
        "description": f"{curves['task']}: {curves['measure']} against {size}, for each agent. "
        "The table below holds the same numbers.",
        "width": "container",
        "height": 300,
        "datasets": {name: curves[name] for name in ("seeds", "means", "references")},
        "params": [{"name": "shown", "value": curves["agents"][:SHOWN]}],
        "resolve": {"scale": {"strokeDash": "independent"}},  # dashes of references have another meaning
        "encoding": {
            "x": {
                "field": "size",
                "type": "quantitative",
                "scale": {"type": "log", "domain": [left, values[-1] * 1.08], "nice": False},
                "axis": {"values": values, "title": f"{size} (log scale)", "format": "d", "grid": False},
            },
            "y": {
                "field": "accuracy",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "axis": {"title": curves["measure"], "tickCount": 5, "format": ".1f"},
            },
        },
        "layer": [
            {
                "name": "trained",
                "data": {"values": [{"size": left, "end": curves["trained"], "accuracy": 0, "top": 1}]},
                "mark": {"type": "rect", "color": "#8a8f98", "opacity": 0.13},
                "encoding": {"x2": {"field": "end"}, "y2": {"field": "top"}},
            },
            {
                "name": "references",
                "data": {"name": "references"},
                "mark": {"type": "line", "color": "#8a8f98", "strokeWidth": 1.25},
                "encoding": {
                    "strokeDash": {
                        "field": "name",
                        "type": "nominal",
                        "scale": {"domain": ["oracle", "uniform"], "range": [[6, 3], [1.5, 2.5]]},
                        "legend": None,
                    },
                },
            },
            {
                "name": "bands",
                "data": {"name": "means"},
                "transform": [shown],
                "mark": {"type": "area", "opacity": 0.16},
                "encoding": {
                    "y": {"field": "low", "type": "quantitative"},
                    "y2": {"field": "high"},
                    "color": agent["color"],
                },
            },
            {
                "name": "lines",
                "data": {"name": "means"},
                "transform": [shown],
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"color": agent["color"], "strokeDash": agent["strokeDash"]},
            },
            {
                "name": "dots",
                "data": {"name": "seeds"},
                "transform": [shown],
                "mark": {"type": "circle", "size": 14, "opacity": 0.55},
                "encoding": {
                    "color": agent["color"],
                    "tooltip": [*tooltip, {"field": "seed", "type": "ordinal"}, accuracy],
                },
            },
            {
                "name": "points",
                "data": {"name": "means"},
                "transform": [shown],
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {
                    "color": agent["color"],
                    "shape": agent["shape"],
                    "tooltip": [*tooltip, accuracy, *bounds],
                },
            },
        ],
    }


def profile_chart(profiles: Sequence[Any], marks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the Vega-Lite chart of the share of runs above a score."""
    agents = list(dict.fromkeys(point["agent"] for point in profiles))
    agent = _agent_encoding(agents, marks)
    tooltip = [
        {"field": "agent", "type": "nominal"},
        {"field": "score", "type": "quantitative", "format": ".3f", "title": "score above"},
        {"field": "share", "type": "quantitative", "format": ".3f", "title": "share of runs"},
    ]
    return {
        "description": "The share of runs above each score, for each agent. What rows of the ranking open to "
        "holds some of the same numbers.",
        "width": "container",
        "height": 260,
        "datasets": {"profiles": profiles},
        "data": {"name": "profiles"},
        "params": [{"name": "shown", "value": agents[:SHOWN]}],
        "transform": [{"filter": "indexof(shown, datum.agent) >= 0"}],
        "encoding": {
            "x": {
                "field": "score",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "axis": {"grid": False, "tickCount": 5},
            },
            "y": {
                "field": "share",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "axis": {"title": "share of runs above", "tickCount": 5},
            },
            "color": agent["color"],
        },
        "layer": [
            {
                "name": "lines",
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "clip": True},
                "encoding": {"strokeDash": agent["strokeDash"]},
            },
            {
                "name": "points",
                "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
                "encoding": {"shape": agent["shape"], "tooltip": tooltip},
            },
        ],
    }


def cost_chart(costs: Sequence[Any], field: str, marks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the Vega-Lite chart of scores against a cost of training."""
    agents = list(dict.fromkeys(point["agent"] for point in costs))
    agent = _agent_encoding(agents, marks)
    shown = [point for point in costs if point[field]]  # a logarithmic axis has no 0
    tooltip = [
        {"field": "agent", "type": "nominal"},
        {"field": "task", "type": "nominal"},
        {"field": "score", "type": "quantitative", "format": ".3f"},
        {"field": field, "type": "quantitative", "format": ",.0f", "title": COSTS[field]},
    ]
    return {
        "description": f"Score against {COSTS[field]}, for each agent. "
        "The table below holds the same numbers.",
        "width": "container",
        "height": 260,
        "datasets": {"costs": shown},
        "data": {"name": "costs"},
        "params": [{"name": "shown", "value": agents}, {"name": "task", "value": ALL}],
        "transform": [{"filter": "datum.task == task && indexof(shown, datum.agent) >= 0"}],
        "encoding": {
            "x": {
                "field": field,
                "type": "quantitative",
                "scale": {"type": "log", "nice": False, "padding": 24},
                "axis": {
                    "title": f"{COSTS[field]} (log scale)",
                    "format": "~s",
                    "tickCount": 4,
                    "grid": False,
                },
            },
            "y": {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"tickCount": 5}},
            "color": agent["color"],
        },
        "layer": [
            {
                "name": "intervals",
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.45},
                "encoding": {"y": {"field": "low", "title": "score"}, "y2": {"field": "high"}},
            },
            {
                "name": "points",
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {"y": {"field": "score"}, "shape": agent["shape"], "tooltip": tooltip},
            },
        ],
    }


def _agent_encoding(agents: Sequence[str], marks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the colours and marks of agents. The legend is the page's own, which a keyboard can reach."""
    return {
        channel: {
            "field": "agent",
            "type": "nominal",
            "scale": {"domain": agents, "range": [marks[agent][part] for agent in agents]},
            "legend": None,
        }
        for channel, part in (("color", "colour"), ("shape", "shape"), ("strokeDash", "dash"))
    }
