"""A board of many results: each is looked at once, and a page has as many charts as with few."""

import re
from collections import Counter

import numpy as np
from pages import build_quickly, trained
from test_board import result, several

from ntm_leaderboard.board import admission, rows
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.copies import COPY, Models, distance
from ntm_leaderboard.page.charts import CHARTED
from ntm_leaderboard.page.content import content
from ntm_leaderboard.results import SKETCH


def counting(monkeypatch, module, name):
    """Count the calls of a function by their arguments."""
    calls, function = Counter(), getattr(module, name)

    def counted(*args):
        calls[str(args)] += 1
        return function(*args)

    monkeypatch.setattr(module, name, counted)
    return calls


def test_copies_are_those_at_a_small_distance_from_any_model_before():
    rng = np.random.default_rng(0)
    bases = rng.normal(size=(4, 2, SKETCH))
    bases[3, 1] = 0.0  # as of a model without weights

    def probe():
        scales = COPY * rng.choice([0.0, 0.5, 0.9, 1.1, 2.0, 100.0], size=(2, 1))
        sketches = bases[rng.integers(4)] + 2**0.5 * scales * rng.normal(size=(2, SKETCH))
        return dict(zip(("outputs", "weights"), sketches.tolist(), strict=True)) | {"untrained": 0.0}

    results = [
        result(f"agent-{i % 7}", seed=i // 7, probe=probe() if i % 5 else None, commitment=f"{i % 50:064}")
        for i in range(70)
    ]

    def same(one, other):
        if one.commitment == other.commitment or not (one.probe and other.probe):
            return one.commitment == other.commitment
        sketches = [(found.probe.outputs, found.probe.weights) for found in (one, other)]
        return any(distance(*pair) < COPY for pair in zip(*sketches, strict=True))

    models, found = Models(), []
    for i, one in enumerate(results):
        others = (other for other in results[:i] if (other.agent, other.seed) != (one.agent, one.seed))
        first = next((f"{other.agent}, seed {other.seed}" for other in others if same(one, other)), None)
        assert models.copied(one) == first
        models.add(one)
        found.append(first)
    assert 10 < len(list(filter(None, found))) < 60


def test_the_names_of_each_description_are_migrated_once(monkeypatch):
    calls = counting(monkeypatch, admission, "in_present_names")
    Boards.of(result("ntm", seed=seed) for seed in range(5))
    assert sorted(calls.values()) == [1] * 5


def test_the_page_computes_each_interval_of_a_row_once(monkeypatch, tmp_path):
    boards = Boards.of(
        found
        for i, agent in enumerate(("ntm", "lstm"))
        for task in ("copy", "repeat_copy")
        for found in trained(agent, 0.4 + 0.1 * i + 0.01 * len(task), task)
    )
    calls = counting(monkeypatch, rows, "bootstrap_interval")
    build_quickly(boards, tmp_path / "site")
    assert sorted(calls.values()) == [1] * 6  # two rows, and two tasks of each


def test_all_agents_are_in_the_rankings_and_the_first_ones_in_the_charts(tmp_path):
    agents = [f"agent-{i:02}" for i in range(CHARTED + 3)]
    results = [found for i, agent in enumerate(agents) for found in trained(agent, 0.9 - i / 100, "copy")]
    boards = Boards.of(results)
    found = content(boards.by_suite["classic"])
    assert [row.agent for row in found["rows"]] == agents
    for chart in found["charts"].values():
        data = {point.get("agent") for points in chart["datasets"].values() for point in points} - {None}
        assert data == set(agents[:CHARTED])
    index = build_quickly(boards, tmp_path / "site")
    text = index.with_name("classic.html").read_text(encoding="utf-8")
    assert set(re.findall(r"<legend>(.+)</legend>", text)) == {
        f"Agents in the charts, the first {CHARTED} of {len(agents)}"
    }
    few = build_quickly(Boards.of([*results[:5], *several("elsewhere", [0.5])]), tmp_path / "few")
    text_of_few = few.with_name("classic.html").read_text(encoding="utf-8")
    assert set(re.findall(r"<legend>(.+)</legend>", text_of_few)) == {"Agents in the charts"}
    for agent in agents:
        assert text.count(f'<span class="name">{agent}</span>') == 2, "over all tasks, and on Copy"
