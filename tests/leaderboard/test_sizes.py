"""Results in git and in the wheel stay small; leaderboard/README.md has the limits."""

import zlib

import pytest
from committed import RESULTS, needs_weights
from safetensors.torch import save

from ntm_agents.protocol import build
from ntm_envs import tasks
from ntm_envs.lookup import load
from ntm_leaderboard.board import boards, verify
from ntm_leaderboard.board.weights import LARGEST_WEIGHTS
from ntm_leaderboard.harness.entrants import AGENTS
from ntm_leaderboard.results import Result

RUNS = sorted(verify.runs_in(RESULTS))


def size_of(folder):
    """Return the bytes of all files below a folder but those that Python has made."""
    files = (path for path in folder.rglob("*") if path.is_file())
    made = ("__pycache__", ".egg-info")
    return sum(path.stat().st_size for path in files if not any(part.endswith(made) for part in path.parts))


def test_the_leaderboard_has_at_most_64_mebibytes():
    assert 2**20 < size_of(RESULTS.parent) <= 64 * 2**20


def test_the_board_of_the_wheel_has_at_most_a_mebibyte_compressed():
    assert 2**16 < len(zlib.compress(boards.SHIPPED.read_bytes())) <= 2**20


def test_no_file_of_a_run_has_more_than_256_kibibytes():
    assert LARGEST_WEIGHTS == 256 * 2**10
    for run in RUNS:
        for path in run.iterdir():
            assert path.stat().st_size <= 256 * 2**10, path


@needs_weights
def test_weights_lie_beside_a_result_or_in_the_history():
    for run in RUNS:
        held = Result.read(run / "result.json").held
        assert (held is None) == (run / "model.safetensors").exists(), run
        if held:
            assert held.in_history.endswith(
                f":leaderboard/results/{run.relative_to(RESULTS)}/model.safetensors"
            )


GRAPHS = tuple(spec.name for spec in tasks.suite("graph"))
LARGER = {
    # Tuned for these tasks, some with committed rows.
    "lstm": ("copy", "repeat_copy", "priority_sort"),
    "dnc": ("inference",),
    # Default recipes of memory machines on tasks with the most inputs and outputs.
    "ntm": ("associative_recall", *GRAPHS),
    "ntm-one": GRAPHS,
    "ntm-lstm": ("associative_recall", *GRAPHS),
    "ntm-jump": (*GRAPHS, "key_value_recall"),
    "dntm": ("associative_recall", *GRAPHS),
    "dntm-hard": GRAPHS,
    "sam": GRAPHS,
    "sdnc": GRAPHS,
}
"""Tasks on which runs by an agent's recipes are larger, so that their weights have to be held elsewhere."""


@pytest.mark.parametrize("row", [row for row in AGENTS if row.learns], ids=lambda row: row.name)
def test_runs_by_recipes_fit_the_limit_but_for_those_that_are_listed(row):
    if row.name == "lstm-paper":
        return  # its sizes are those of the paper
    sizes = {}
    for spec in tasks.TABLE:
        recipe = row.recipe(spec.name, spec.suite)
        # The inputs of `one_shot` are pictures; policies have sizes of their own.
        if recipe.learner == "supervised" and spec.name != "one_shot":
            model = build(load(row.entry), spec.make(), **recipe.model)
            sizes[spec.name] = len(save(model.state_dict()))
    larger = {name: size for name, size in sizes.items() if size > LARGEST_WEIGHTS}
    assert set(larger) == set(LARGER.get(row.name, ())), larger
