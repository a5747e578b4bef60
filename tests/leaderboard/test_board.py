"""The board: the ranked agents, their order, and results that do not belong on it."""

import hashlib

import numpy as np
import pytest
from test_results import RESULT

from ntm_envs import tasks
from ntm_leaderboard.board.boards import Boards, places
from ntm_leaderboard.board.statistics import bootstrap_interval
from ntm_leaderboard.results import SEEDS, Result

TASKS = ("copy", "repeat_copy")
TRAINING = {
    "learner": "supervised",
    "track": "supervised",
    "sequences": 100,
    "seconds": 1.0,
    "restarts": 0,
    "dropped_updates": 0,
    "parameters": 5,
    "state_values": 5,
    "recipe": {},
}
HELD = {"address": "https://example.org/model.safetensors", "sha256": "d" * 64}
HISTORY = {"address": f"git:{'c' * 40}:leaderboard/results/a/model.safetensors", "sha256": "d" * 64}
VERIFIED = {"status": "verified", "nonce": "b" * 64}
REWARD = TRAINING | {"learner": "ppo", "track": "reward"}


def result(agent="ntm", task="copy", seed=0, score=1.0, **changes):
    """Return a result whose rungs beyond the training range all have a score."""
    spec = tasks.spec(task)

    def graded(mean_return):
        return {"all_right": 0, "wrong_symbols": 4, "mean_return": mean_return, "cost_in_bits": None}

    rungs = [
        {
            "sizes": rung,
            "sequences": 4,
            "symbols": 64,
            "score": graded(score if rung != spec.largest else 0.5),
            "references": {"constant": graded(0.0), "oracle": graded(1.0)},
        }
        for rung in spec.rungs
    ]
    commitment = hashlib.sha256(f"{agent} {task} {seed}".encode()).hexdigest()
    record = {"agent": agent, "task": spec.env_id, "seed": seed, "commitment": commitment, "rungs": rungs}
    return Result.model_validate(RESULT | record | changes)


def board_of(results, own=()):
    """Return the board of the suite that all these results are of."""
    (board,) = Boards.of(results, own).by_suite.values()
    return board


def several(agent, scores, task="copy", **changes):
    return [result(agent, task, seed, score, **changes) for seed, score in enumerate(scores)]


def test_an_agents_score_is_the_mean_over_tasks_of_the_mean_over_seeds():
    copies, repeats = [1.0, 0.8, 0.6, 1.0, 1.0], [0.2, 0.4, 0.0, 0.1, 0.3, 0.2]
    board = board_of([*several("ntm", copies), *several("ntm", repeats, "repeat_copy")])
    (row,) = board.ranked
    assert row.score == pytest.approx((np.mean(copies) + np.mean(repeats)) / 2)
    assert row.interval == pytest.approx(bootstrap_interval(copies, repeats))
    assert [spec.name for spec in board.specs] == list(TASKS)
    assert row.standings["ntm_envs/Copy-v0"].learned == (0.5,) * 5


def test_runs_are_compared_task_by_task():
    own = [*several("own", [0.9, 0.5]), *several("own", [0.2, 0.2], "repeat_copy")]
    other = [*several("other", [0.7, 0.7]), *several("other", [0.1, 0.2], "repeat_copy")]
    rows = {row.agent: row for row in board_of([*own, *other]).rows}
    assert rows["own"].improvement_over(rows["other"]) == pytest.approx((0.5 + 0.75) / 2)
    assert rows["other"].improvement_over(rows["own"]) == pytest.approx((0.5 + 0.25) / 2)
    assert rows["own"].interquartile_mean == pytest.approx((0.2 + 0.5) / 2)


def test_the_best_comes_first_and_a_rank_needs_enough_seeds_on_every_task():
    every = [
        found
        for agent, score in (("good", 0.9), ("better", 0.95), ("bad", 0.1))
        for task in TASKS
        for found in several(agent, [score] * SEEDS, task)
    ]
    few = [*several("few", [1.0] * SEEDS), *several("few", [1.0] * (SEEDS - 1), "repeat_copy")]
    one_task = several("one", [1.0] * SEEDS)
    board = board_of([*every, *few, *one_task])
    assert [row.agent for row in board.ranked] == ["better", "good", "bad"]
    assert [row.agent for row in board.ranking(tasks.spec("copy"))] == ["few", "one", "better", "good", "bad"]
    assert [row.agent for row in board.ranking(tasks.spec("repeat_copy"))] == ["few", "better", "good", "bad"]


def test_to_fail_one_task_costs_more_than_to_fail_none():
    right = [found for task in TASKS for found in several("right", [1.0] * 5, task)]
    fails = [*several("fails", [1.0] * 5), *several("fails", [0.0] * 5, "repeat_copy")]
    board = board_of([*fails, *right])
    assert [(row.agent, row.score) for row in board.ranked] == [("right", 1.0), ("fails", 0.5)]


@pytest.mark.parametrize(
    ("sequences", "budget"),
    [
        (0, "100 thousand"),
        (100_000, "100 thousand"),
        (100_001, "1 million"),
        (1_000_000, "1 million"),
        (1_000_001, "open"),
    ],
)
def test_the_budget_is_that_of_the_run_that_saw_the_most(sequences, budget):
    results = [result(training=TRAINING), result(seed=1, training=TRAINING | {"sequences": sequences})]
    assert board_of(results).rows[0].budget == budget
    assert board_of([result()]).rows[0].budget == "open"  # nobody knows


def test_equal_scores_share_a_place():
    scores = {"a": 1.0, "b": 1.0, "c": 0.5, "d": 0.5, "e": 0.1}
    board = board_of(result(agent, score=score) for agent, score in scores.items())
    copy = tasks.spec("copy")
    assert places(board.ranking(copy), copy) == {"a": 1, "b": 1, "c": 3, "d": 3, "e": 5}


def test_each_suite_has_a_ranking_of_its_own():
    classic = [found for task in TASKS for found in several("ntm", [0.9] * SEEDS, task)]
    before = Boards.of(classic).by_suite["classic"]
    formal = several("lstm", [0.7] * SEEDS, "parity")
    boards = Boards.of([*classic, *formal])
    assert boards.by_suite["classic"] == before  # a row of another suite changes nothing here
    assert [row.agent for row in boards.by_suite["formal"].ranked] == ["lstm"]
    assert list(boards.only(["formal"]).by_suite) == ["formal"]
    with pytest.raises(ValueError, match="no results on the suite 'interactive'"):
        boards.only(["interactive"])
    with pytest.raises(ValueError, match="did you mean 'formal'"):
        boards.only(["formel"])


def test_results_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="two results of ntm, ntm_envs/Copy-v0, seed 0"):
        board_of([result(), result(commitment="b" * 64)])
    with pytest.raises(ValueError, match="thief has the weights of ntm"):
        board_of([result(commitment="b" * 64), result("thief", commitment="b" * 64)])
    with pytest.raises(ValueError, match="ntm has the same weights with seeds 0 and 1 on ntm_envs/Copy-v0"):
        board_of([result(commitment="b" * 64), result(seed=1, commitment="b" * 64)])
    with pytest.raises(ValueError, match=r"ntm is ntm_agents:NTM, but mine\.py:NTM on ntm_envs/Copy-v0"):
        board_of([result(), result(seed=1, entry="mine.py:NTM")])
    with pytest.raises(ValueError, match="learnt from targets, but from rewards alone on"):
        board_of([result(training=TRAINING), result(seed=1, training=REWARD)])


def test_scores_are_over_the_rungs_that_all_were_evaluated_on():
    low, high = result(score=0.2), result("lstm", score=0.6).rungs
    mixed = low.model_copy(update={"rungs": [*high[:3], *low.rungs[3:]]})  # 0.6 at two longer rungs, then 0.2
    assert board_of([mixed]).rows[0].score == pytest.approx((2 * 0.6 + 4 * 0.2) / 6)
    shorter = result("short", score=0.5).model_copy(update={"rungs": result("short", score=0.5).rungs[:3]})
    board = board_of([mixed, shorter])
    assert {row.agent: row.score for row in board.rows} == pytest.approx({"ntm": 0.6, "short": 0.5})
    assert board.shortened == {"ntm_envs/Copy-v0": {"length": [40, 80]}}
    assert not board_of([mixed]).shortened
    apart = [shorter, mixed.model_copy(update={"rungs": [mixed.rungs[0], *mixed.rungs[3:]]})]
    with pytest.raises(ValueError, match="no rung beyond the training range in common"):
        board_of(apart)


def test_agents_are_ranked_among_those_with_the_same_training_signal():
    scores = {
        "answers": (0.5, TRAINING),
        "rewards": (0.9, REWARD),
        "none": (0.7, None),
        "more": (0.8, TRAINING),
    }
    results = [
        found
        for agent, (score, training) in scores.items()
        for found in several(agent, [score] * 5, training=training)
    ]
    board = board_of(results)
    assert [(row.agent, row.track) for row in board.ranked] == [
        ("more", "supervised"),
        ("answers", "supervised"),
        ("rewards", "reward"),
        ("none", "elsewhere"),
    ]
    assert places(board.ranked) == {"more": 1, "answers": 2, "rewards": 1, "none": 1}
    assert [row.agent for row in board.ranking(tasks.spec("copy"))] == ["more", "answers", "rewards", "none"]


def test_an_agent_is_tuned_unless_all_its_runs_have_one_configuration():
    other = TRAINING | {"recipe": {"batch_size": 8}}
    first = TRAINING | {"recipe": {"batch_size": 16}}
    for changes, tuned in (
        ({"training": TRAINING}, False),
        ({"training": other}, True),
        ({"training": TRAINING, "model": {"hidden_size": 5}}, True),
        ({"training": TRAINING, "model": RESULT["model"] | {"option_that_came_later": 1}}, False),
    ):
        results = [result(training=first), result(task="repeat_copy", **changes)]
        assert board_of(results).rows[0].tuned is tuned
    assert not board_of([result()]).rows[0].tuned


def test_the_references_are_rows_too():
    board = board_of([*several("ntm", [0.5] * 5), *several("ntm", [0.5] * 5, "repeat_copy")])
    assert {row.agent: row.score for row in board.references} == {"oracle": 1.0, "constant": 0.0}
    assert [row.agent for row in board_of([*several("oracle", [1.0])]).references] == ["constant"]


def test_a_performance_profile_is_a_mean_over_tasks():
    (row,) = board_of([*several("ntm", [0.2, 0.6]), *several("ntm", [0.1, 0.6, 0.8], "repeat_copy")]).rows
    assert row.share_above(0.5) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert row.share_above(0.6) == pytest.approx((0 + 1 / 3) / 2)  # above, and not at least


def test_agents_without_a_rung_beyond_the_training_range_are_left_out():
    first = result().model_copy(update={"rungs": result().rungs[:1]})
    assert not Boards.of([first]).by_suite
