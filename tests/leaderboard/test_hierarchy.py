"""The tables of formal languages, of made-up results."""

from pathlib import Path

import numpy as np
import pytest
from test_board import result

from ntm_envs import tasks
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.documents.hierarchy import AGENTS, FACTORS, LEVELS, PD_SSM, comparison, hierarchy_tables
from ntm_leaderboard.harness.protocols import PROTOCOLS
from ntm_leaderboard.results import SEEDS

PAGE = Path(__file__).parents[2] / "docs" / "results-formal.md"


def rung(sizes, wrong, right=0):
    score = {"all_right": right, "wrong_symbols": wrong, "mean_return": 0.0, "cost_in_bits": None}
    none = score | {"all_right": 0, "wrong_symbols": 8}
    references = {"constant": none, "oracle": score | {"all_right": 8, "wrong_symbols": 0}}
    return {"sizes": sizes, "sequences": 8, "symbols": 8, "score": score, "references": references}


def made_up(agent, task, wrong, seeds=SEEDS):
    """Return results whose ladder has some wrong symbols at each size."""
    rungs = [rung(sizes, wrong, 8 - wrong) for sizes in tasks.spec(task).rungs]
    return [result(agent, task, seed, rungs=rungs) for seed in range(seeds)]


def test_every_task_has_a_level_and_every_multiple_a_rung():
    for spec in tasks.suite("formal"):
        assert spec.order // 10 in LEVELS
        ((size, largest),) = spec.largest.items()
        assert {factor * largest for factor in FACTORS} <= {sizes[size] for sizes in spec.ladders[size]}


def test_models_stand_by_tasks_in_a_table_for_each_level():
    results = [
        *made_up("lstm", "parity", 0),
        *made_up("gru", "parity", 2),
        *made_up("lstm", "reverse_string", 4),
    ]
    shown = hierarchy_tables(results, ["gru", "lstm", "ntm"]).split("\n\n")
    assert [text.partition(":")[0] for text in shown[::2]] == 2 * ["**Regular**"] + 2 * ["**Context-free**"]
    head, _, gru, lstm = shown[1].splitlines()
    assert head == "| model | EvenPairs | Parity | CycleNavigation | ModularArithmetic |"
    assert gru == "| `gru` |  | 0.750 0.750 0.750 0.750 |  |  |"
    assert lstm == "| `lstm` |  | 1.000 1.000 1.000 1.000 |  |  |"
    assert "`gru`" not in shown[5]


def test_too_few_seeds_or_rungs_are_not_shown():
    assert hierarchy_tables(made_up("lstm", "parity", 0, SEEDS - 1), ["lstm"]) == ""
    short = [found.model_copy(update={"rungs": found.rungs[:2]}) for found in made_up("lstm", "parity", 0)]
    assert hierarchy_tables(short, ["lstm"]) == ""


def test_published_figures_stand_below_ours_of_the_same_protocol():
    spec = tasks.spec("parity")
    rungs = [rung(sizes, wrong=2, right=6) for sizes, _ in PROTOCOLS[PD_SSM.protocol].rungs(spec)]
    ours = [result("lstm", "parity", seed, rungs=rungs) for seed in range(SEEDS)]
    title, shown = comparison(PD_SSM, ours, ["lstm"]).split("\n\n")
    lines = shown.splitlines()
    assert "lengths 40 to 256" in title
    assert PD_SSM.source in title
    assert lines[2] == "| `lstm` |  |  |  | 75.0 |"
    assert lines[3] == "| *LSTM* | *100.0* | *100.0* | *99.9* | *100.0* |"
    assert len(lines) == 3 + len(PD_SSM.figures)


@pytest.mark.parametrize("figures", PD_SSM.figures.values(), ids=PD_SSM.figures)
def test_published_figures_are_shares_of_every_task(figures):
    assert len(figures) == len(PD_SSM.tasks)
    assert (np.array(figures) >= 20).all()  # chance
    assert (np.array(figures) <= 100).all()


def test_the_page_has_the_published_figures():
    page = PAGE.read_text(encoding="utf-8").splitlines()
    assert set(comparison(PD_SSM, [], []).splitlines()) <= {*page}


def test_the_page_has_the_tables_of_the_results_of_the_package():
    shown = hierarchy_tables(load(SHIPPED), AGENTS)
    assert all(f"`{agent}`" in shown for agent in AGENTS)
    assert shown in PAGE.read_text(encoding="utf-8")
