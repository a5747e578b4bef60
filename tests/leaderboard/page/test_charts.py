"""The charts of the page: in a real browser they hold the measured numbers, and can be switched."""

import pytest
from browsers import browsing
from pages import NAMES, SCORES, marks, synthetic
from test_board import result

from ntm_envs import tasks
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.statistics import task_score
from ntm_leaderboard.page.charts import COSTS
from ntm_leaderboard.page.content import content


def test_no_two_of_a_dozen_agents_look_alike_in_points_or_in_lines():
    dozen = Boards.of(result(f"agent-{i}", commitment=f"{i:064}") for i in range(12))
    found = content(dozen.by_suite["classic"])["marks"]
    assert len({(mark["colour"], mark["shape"]) for mark in found.values()}) == 12
    assert len({(mark["colour"], *mark["dash"]) for mark in found.values()}) == 12


@browsing
def test_the_charts_hold_the_measured_numbers(whole):
    results = synthetic()
    for name in NAMES:
        spec = tasks.spec(name)
        mine = [found for found in results if found.task == spec.env_id]
        for size, rungs in spec.ladders.items():
            chart = f"{name}-{size}"
            data = whole.evaluate(
                "id => ['seeds', 'means'].map(name => document.getElementById(id).view.data(name))", chart
            )
            assert [len(part) for part in data] == [len(rungs) * len(mine), len(rungs) * len(SCORES)]
            assert {point["size"] for point in data[1]} == {rung[size] for rung in rungs}
            assert marks(whole, chart, "points") == len(rungs) * len(SCORES)
            assert marks(whole, chart, "lines") == marks(whole, chart, "bands") == len(SCORES)
            assert marks(whole, chart, "trained") == 1
    data = whole.evaluate("document.getElementById('profiles').view.data('profiles')")
    ranked = {row.agent: row for row in Boards.of(results).by_suite["classic"].ranked}
    assert {point["agent"] for point in data} == set(ranked)
    assert all(point["share"] == ranked[point["agent"]].share_above(point["score"]) for point in data)
    assert marks(whole, "profiles", "lines") == len(ranked)
    data = whole.evaluate("document.getElementById('cost-parameters').view.data('costs')")
    (point,) = [point for point in data if (point["agent"], point["task"]) == ("lstm", "Copy")]
    scores = [task_score(r, tasks.spec("copy")) for r in results if r.agent == "lstm" and "/Copy" in r.task]
    assert point["score"] == pytest.approx(sum(scores) / 5)
    assert [point[field] for field in COSTS] == [3000, 300_000, 30]


@browsing
def test_agents_are_switched_on_and_off_in_the_charts_of_a_task(whole):
    legend = whole.locator("[data-charts=copy-length]")
    legend.get_by_label("ntm", exact=True).uncheck()
    whole.wait_for_function("document.querySelectorAll('#copy-length .lines_marks > path').length === 3")
    assert marks(whole, "repeat_copy-length", "lines") == 4
    legend.get_by_label("ntm", exact=True).press("Space")
    whole.wait_for_function("document.querySelectorAll('#copy-length .lines_marks > path').length === 4")


@browsing
def test_costs_are_those_of_all_tasks_or_of_one(whole):
    for field in COSTS:
        assert marks(whole, f"cost-{field}", "points") == 4
    whole.get_by_label("Task", exact=True).select_option("Repeat Copy")
    assert whole.evaluate("document.getElementById('cost-seconds').view.signal('task')") == "Repeat Copy"


@browsing
def test_charts_are_drawn_anew_when_the_colours_change(whole):
    whole.emulate_media(color_scheme="dark")
    whole.wait_for_selector("body[data-drawn=dark]")
    assert marks(whole, "copy-length", "lines") == 4
    whole.emulate_media(color_scheme="light")
    whole.wait_for_selector("body[data-drawn=light]")
