"""A search of options: what it tries, what it sees, and how it is resumed."""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from own_files import TASK

from ntm_agents import config_class
from ntm_agents.options import Choices, searchable
from ntm_agents.registry import find
from ntm_agents.training import learners
from ntm_envs.lookup import load
from ntm_envs.tasks.base import SequenceTask
from ntm_leaderboard import cli
from ntm_leaderboard.harness.entrants import AGENTS, new_run
from ntm_leaderboard.harness.recipes import read_recipe

pytest.importorskip("optuna", reason="the extra tune is not installed")
from ntm_leaderboard.harness import tuning

MODEL = '''
from typing import Annotated

from torch import nn

from ntm_agents.options import Between, Choices


class Mine(nn.Module):
    """A linear model."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        gain: Annotated[float, Between(0.5, 2.0)] = 1.0,
        kind: Annotated[str, Choices(("a", "b"))] = "a",
        other: int = 3,
    ) -> None:
        super().__init__()
        if kind == "b":
            raise ValueError("kind is 'b', which is not possible")
        self.linear = nn.Linear(input_size, output_size)
        self.gain = gain

    def initial_state(self, batch_size, capacity):
        return self.linear.weight.new_zeros(batch_size, 1)

    def forward(self, inputs, state):
        return self.linear(inputs) * self.gain, state
'''
TUNE = ["tune", "--agent", "./mine.py:Mine", "--task", "./short.py:SHORT", "--minutes", "0.001"]


@pytest.fixture(autouse=True)
def own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MODEL, encoding="utf-8")
    Path("short.py").write_text(TASK, encoding="utf-8")


def search(folder="search", **options):
    run = new_run("./mine.py:Mine", "./short.py:SHORT", 100)
    return tuning.Search([run], Path(folder), **({"minutes": 0.001} | options))


@pytest.mark.parametrize("row", [row for row in AGENTS if row.learns], ids=lambda row: row.name)
def test_all_that_is_declared_goes_with_every_recipe(row):
    drawn, model = random.Random(0), config_class(load(row.entry))
    assert searchable(model)
    for recipe in (row.default, *row.recipes.values()):
        train = learners.find(recipe.learner).config
        for _ in range(20):
            chosen = [
                {
                    name: drawn.choice(values.values)
                    if isinstance(values, Choices)
                    else drawn.uniform(values.low, values.high)
                    for name, values in searchable(kind).items()
                }
                for kind in (model, train)
            ]
            model(**{**recipe.model, **chosen[0]})
            train(**{**vars(recipe.train), **chosen[1]})


def test_a_users_model_is_searched_and_the_search_is_resumed(capsys):
    assert cli.main([*TUNE, "--trials", "3", "--output", "search"]) == 0
    printed = capsys.readouterr().out
    assert "model.gain" in printed
    assert "model.other" not in printed
    first = Path("search/trials.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in first.splitlines()]
    assert [line["number"] for line in lines] == [0, 1, 2]
    assert lines[0]["options"] == {}  # the recipe itself
    names = {f"{each.part}.{each.name}" for each in search().space}
    assert all(line["options"].keys() == names for line in lines[1:])
    assert cli.main([*TUNE, "--trials", "3", "--output", "search"]) == 0  # nothing is left
    assert Path("search/trials.jsonl").read_text(encoding="utf-8") == first
    assert cli.main([*TUNE, "--trials", "5", "--output", "search"]) == 0
    after = Path("search/trials.jsonl").read_text(encoding="utf-8")
    assert after.startswith(first)
    assert len(after.splitlines()) == 5


def test_the_recipe_is_the_best_trial_and_train_takes_it():
    found = search()
    found.tune(4)
    values = [line["value"] for line in found.trials if line["value"] is not None]
    best = found.best()
    assert best["value"] == min(values)
    recipe = read_recipe(Path("search/recipe.json"), config_class(load("./mine.py:Mine")))
    (expected,) = found._with(best["options"])
    assert recipe.model == {**expected.model}
    assert recipe.train.learning_rate == expected.train.learning_rate
    assert recipe.train.sequences == best["tasks"]["short-copy"]["budget"]
    assert recipe.train.minutes is None
    tiny = ["--sequences", "32", "--validation-sequences", "4", "--output", "run"]
    train = ["train", "--agent", "./mine.py:Mine", "--task", "./short.py:SHORT"]
    assert cli.main([*train, "--recipe", "search/recipe.json", *tiny]) == 0


def test_a_search_on_several_tasks_is_for_one_configuration(capsys):
    tasks = ["./short.py:SHORT", "parity"]
    tune = ["tune", "--agent", "./mine.py:Mine", "--task", *tasks, "--minutes", "0.001", "--trials", "3"]
    assert cli.main(tune) == 0
    folder = Path("runs/tune-short-copy-parity-Mine")
    assert f"--task parity --recipe {folder / 'recipe.json'}" in capsys.readouterr().out
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
    trained = [line for line in lines if not line["error"]]
    assert trained
    for line in trained:
        values = [task["value"] for task in line["tasks"].values()]
        assert line["tasks"].keys() == {"short-copy", "parity"}
        assert line["value"] == pytest.approx(sum(values) / 2)
    recipe = read_recipe(folder / "recipe.json", config_class(load("./mine.py:Mine")))
    assert recipe.train.sequences == new_run("./mine.py:Mine", "parity").train.sequences  # of no trial
    with pytest.raises(ValueError, match="the tasks are copy, copy; expected one or more, all different"):
        tuning.Search([new_run("lstm", "copy")] * 2, Path("twice"), minutes=1)
    runs = [new_run("./mine.py:Mine", task, 100) for task in ("./short.py:SHORT", "copy")]
    with pytest.raises(ValueError, match=r"tasks.copy is None there and \{.* here"):
        tuning.Search(runs, folder, minutes=0.001)


def test_a_search_on_no_task_is_refused(capsys):
    assert cli.main(["tune", "--agent", "lstm", "--task", "--output", "search"]) == 2
    assert "the tasks are none; expected one or more, all different" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_is_a_lost_trial(monkeypatch):
    found, real = search(), tuning.Search._trainer

    def trainer(self, run, budget, **options):
        made = real(self, run, budget, **options)
        monkeypatch.setattr(
            made, "train", lambda: made.model
        )  # nothing is validated: the best loss is infinite
        return made

    monkeypatch.setattr(found, "_short", lambda run, budget: SimpleNamespace(sequences=budget, seconds=9.0))
    monkeypatch.setattr(tuning.Search, "_trainer", trainer)
    found.tune(1)
    text = Path("search/trials.jsonl").read_text(encoding="utf-8")
    (line,) = [json.loads(each, parse_constant=lambda name: pytest.fail(name)) for each in text.splitlines()]
    assert line["value"] is None
    assert line["tasks"]["short-copy"]["value"] is None
    assert found.best() is None


def test_one_configuration_begins_with_the_default_recipe_and_not_with_that_of_a_task(monkeypatch):
    seen = []
    monkeypatch.setattr(tuning.Search, "tune", lambda self, trials, report: seen.extend(self.runs))
    assert cli.main(["tune", "--agent", "lstm", "--task", "copy", "ngrams", "--output", "search"]) == 1
    default = find("lstm", AGENTS).default.train
    assert [run.train for run in seen] == [default, default]


def test_kernels_are_compiled_before_the_speed_of_a_trial_is_measured(monkeypatch):
    found, budgets = search(minutes=1), []

    def short(run, budget):  # 64 sequences a second, after the first run
        budgets.append(budget)
        return SimpleNamespace(sequences=budget, seconds=30.0 if len(budgets) == 1 else budget / 64)

    def trainer(run, budget, **options):
        raise ValueError(f"trained with {budget}")

    monkeypatch.setattr(found, "_short", short)
    monkeypatch.setattr(found, "_trainer", trainer)
    with pytest.raises(ValueError, match=r"trained with 34\d\d"):  # nearly 0.9 * 64 * 60
        found.tune(1)
    assert budgets == [64, 64, 128, 256]


def test_nothing_beyond_the_training_range_is_seen(monkeypatch):
    seen, episodes = set(), SequenceTask.episodes

    def watched(self, keys, **sizes):
        batch = episodes(self, keys, **sizes)
        seen.update(batch.sizes["length"].tolist())
        return batch

    monkeypatch.setattr(SequenceTask, "episodes", watched)
    search().tune(2)
    assert max(seen) == 3


def test_options_that_do_not_go_together_are_a_lost_trial(monkeypatch):
    found = search()
    monkeypatch.setattr(found, "_choose", lambda done: {"model.kind": "b"} if done else {})
    found.tune(2)
    first, second = found.trials
    assert second["error"] == "kind is 'b', which is not possible"
    assert second["value"] is None
    assert found.best() == first


def test_the_choice_of_a_trial_depends_on_the_log_alone():
    found = search()
    found.tune(3)
    assert found._choose(found.trials) == search()._choose(found.trials)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minutes": 0.002}, "holds another search .minutes is 0.001 there and 0.002 here.; choose another"),
        ({"minutes": 0}, "minutes is 0; expected a positive number"),
    ],
)
def test_another_search_is_refused(options, message):
    search()
    with pytest.raises(ValueError, match=message):
        search(**options)
    with pytest.raises(ValueError, match="trials is 0; expected at least 1"):
        search().tune(0)
