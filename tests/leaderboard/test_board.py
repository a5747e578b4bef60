"""The board: the ranked agents, their order, and results that do not belong on it."""

import hashlib
import re

import numpy as np
import pytest
from test_results import RESULT

from ntm_envs import tasks
from ntm_leaderboard.board.admission import contradiction
from ntm_leaderboard.board.boards import Boards, places
from ntm_leaderboard.board.statistics import bootstrap_interval
from ntm_leaderboard.results import SEEDS, SKETCH, Result

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


SCORE = result().rungs[0].score
PROBE = {"untrained": 0.0, "outputs": np.linspace(-1, 1, SKETCH).tolist(), "weights": [1.0] * SKETCH}


def near(**noise):
    """Return a probe whose sketches are this far away from those of `PROBE`, and others unrelated."""
    rng = np.random.default_rng(0)
    sketches = {name: rng.normal(size=SKETCH) for name in ("outputs", "weights")}
    for name, scale in noise.items():
        sketches[name] = PROBE[name] * (1 + scale * rng.normal(size=SKETCH))
    return {"untrained": 0.0} | {name: sketch.tolist() for name, sketch in sketches.items()}


def on_rungs(**changes):
    """Return a result with other rungs, as of another version of the ladder."""
    found = result("other")
    return found.model_copy(update={"rungs": [rung.model_copy(update=changes) for rung in found.rungs]})


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({}, {"commitment": "b" * 64}, "another result of ntm, ntm_envs/Copy-v0, seed 0; keep one"),
        (
            {"commitment": "b" * 64},
            {"agent": "thief", "commitment": "b" * 64},
            "a copy of that of ntm, seed 0",
        ),
        ({"commitment": "b" * 64}, {"seed": 1, "commitment": "b" * 64}, "a copy of that of ntm, seed 0"),
        ({"probe": PROBE}, {"seed": 1, "probe": near(outputs=1e-7)}, "a copy of that of ntm, seed 0"),
        ({"probe": PROBE}, {"seed": 1, "probe": near(weights=1e-3)}, "a copy of that of ntm, seed 0"),
        ({"probe": PROBE}, {"agent": "thief", "probe": near(outputs=1e-3)}, "a copy of that of ntm, seed 0"),
        (
            {},
            {"seed": 1, "entry": "mine.py:NTM"},
            "ntm is ntm_agents:NTM on ntm_envs/Copy-v0, seed 0, but mine",
        ),
        (
            {"training": TRAINING},
            {"seed": 1, "training": REWARD},
            "learnt from targets on .*, but from rewards",
        ),
        ({}, on_rungs(sizes={"length": 7}), "no rung of copy beyond the training range"),
        ({}, on_rungs(references={"oracle2": SCORE}), "it has the reference oracle2"),
        ({}, on_rungs(references={"oracle": SCORE}), "expected a constant output"),
        ({}, {"agent": "other", "score": 1.5}, r"score\.mean_return is 1\.5 at .*; expected -1\.0 to 1\.0"),
    ],
)
def test_a_result_that_does_not_belong_there_is_left_out_and_changes_nothing(first, second, reason):
    found = second if isinstance(second, Result) else result(**second)
    boards = Boards.of([result(**first), found])
    assert boards.by_suite == Boards.of([result(**first)]).by_suite
    (text,) = boards.left_out
    assert re.search(reason, text)
    assert found.agent in text


def test_a_submission_needs_a_name_that_looks_like_no_other():
    board = [result(), *several("lstm", [0.5])]
    assert "NTM differs from ntm by case alone" in contradiction(result("NTM", seed=1), board)
    assert "ntm is ntm_agents:NTM on" in contradiction(result(seed=1, entry="mine.py:NTM"), board)
    assert contradiction(result(), board) is None  # it is there already
    assert contradiction(result("other"), board) is None


def test_independent_trainings_and_repeated_ones_are_no_copies():
    trainings = [result(seed=seed, probe=near() if seed else PROBE) for seed in range(2)]
    assert not Boards.of(trainings).left_out
    again = result(commitment="b" * 64, probe=PROBE)  # on another machine
    boards = Boards.of(trainings, [again])
    assert {row.agent for row in boards.by_suite["classic"].rows} == {"ntm", "ntm (yours)"}
    assert not boards.left_out


def test_copies_of_one_training_are_no_seeds():
    copies = [result(seed=seed, probe=near(outputs=1e-7), commitment=f"{seed:064x}") for seed in range(SEEDS)]
    (row,) = board_of(copies).rows
    assert len(row.results) == 1


def test_an_agent_that_is_right_before_training_has_no_rank():
    def with_probe(agent, score, untrained, task="copy"):
        probe = {"untrained": untrained} | {
            name: np.random.default_rng(len(agent)).normal(size=SKETCH).tolist()
            for name in ("outputs", "weights")
        }
        return [result(agent, task, 0, score, probe=probe)]

    board = board_of(
        [*with_probe("by-hand", 1.0, 0.9), *with_probe("ntm", 0.8, 0.2), *several("lstm", [0.3])]
    )
    copy = tasks.spec("copy")
    ranking = board.ranking(copy)
    assert [(row.agent, row.learnt) for row in ranking] == [("ntm", True), ("lstm", True), ("by-hand", False)]
    assert places(ranking, copy) == {"ntm": 1, "lstm": 2}
    enough = [
        found.model_copy(update={"probe": None if seed else with_probe("by-hand", 1.0, 0.9)[0].probe})
        for task in TASKS
        for seed, found in enumerate(several("by-hand", [1.0] * SEEDS, task))
    ]
    assert not board_of(enough).ranked


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
    boards = Boards.of(apart)
    assert [row.agent for row in boards.by_suite["classic"].rows] == ["short"]
    assert "no rung of copy beyond the training range in common" in boards.left_out[0]


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
    boards = Boards.of([first])
    assert not boards.by_suite
    assert "no rung of copy beyond the training range" in boards.left_out[0]
