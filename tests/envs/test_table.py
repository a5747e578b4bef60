"""The table of tasks: its rows, and how they are found."""

import pytest

from ntm_envs import tasks
from ntm_envs.testing import digest


def test_installed_packages_are_looked_for_only_if_a_task_is_unknown(monkeypatch):
    looked = []
    monkeypatch.setattr(tasks, "entry_points", lambda group: looked.append(group) or [])
    assert tasks.spec("copy") is tasks.spec("ntm_envs/Copy-v0")
    assert not looked
    with pytest.raises(ValueError, match="unknown task 'copi'"):
        tasks.spec("copi")
    assert looked == ["ntm_envs.tasks"]


@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_the_benchmark_of_a_row_never_changes(row):
    """A changed digest is a new benchmark, which needs a new version in its id."""
    found = digest(row)
    assert found == row.digest, (
        f"a new row needs digest={found!r}; a published one needs a new version in its id"
    )


def test_an_unknown_task_gets_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'copy'"):
        tasks.get("coppy")


ROW = {
    "name": "mine",
    "env_id": "mine/Mine-v0",
    "task": "ntm_envs.tasks.classic.copy:Copy",
    "training": {"length": (1, 20)},
    "ladders": {"length": ({"length": 20}, {"length": 40})},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": {"length": (20, 1)}}, "training has length"),
        ({"training": {"length": 0}}, "training has length"),
        ({"training": {"lenght": (1, 20)}}, "expected each rung"),
        ({"ladders": {}}, "at least one rung"),
        ({"ladders": {"length": ({"length": 40}, {"length": 20})}}, "growing"),
        ({"training": {"length": (1, 30)}}, "expected the largest training size"),
        ({"ladders": {"length": ({"length": 40},)}}, "expected the largest training size"),
        ({"further": {"length": ({"length": 40},)}}, "growing"),
        ({"further": {"lenght": ({"length": 80},)}}, "further has 'lenght'"),
        ({"metric": "bits"}, "metric is 'bits'"),
        ({"suite": "../classic"}, "suite is '../classic'"),
        ({"suite": "index"}, "suite is 'index'"),
        ({"learners": ()}, "learners is"),
        ({"sequences": 0}, "sequences is 0"),
    ],
)
def test_invalid_rows_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        tasks.TaskSpec(**{**ROW, **change})


def test_a_name_or_an_id_that_is_taken_is_refused():
    for taken in ({"name": "copy"}, {"env_id": "ntm_envs/Copy-v0"}):
        with pytest.raises(ValueError, match="another task named 'copy'"):
            tasks.register(tasks.TaskSpec(**{**ROW, **taken}))
    assert tasks.spec("copy").env_id == "ntm_envs/Copy-v0"


def test_ranges_may_come_from_json():
    assert tasks.TaskSpec(**{**ROW, "training": {"length": [1, 20]}}).training == {"length": (1, 20)}
