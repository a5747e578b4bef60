"""A search of options: what it tries, what it sees, and how it is resumed."""

import json
import random
from functools import partial
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
from ntm_leaderboard.harness.jobs import Failure, begin
from ntm_leaderboard.harness.recipes import read_recipe

pytest.importorskip("optuna", reason="the extra tune is not installed")
from ntm_leaderboard.harness import trials, tuning

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
    monkeypatch.setattr(tuning.Search, "tune", lambda self, *_, **options: seen.extend(self.runs))
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


def impossible(chosen):
    return [line | {"options": {"model.kind": "b"}} if line["number"] else line for line in chosen]


def test_options_that_do_not_go_together_are_a_lost_trial(monkeypatch):
    found = search()
    choose = found._choose
    monkeypatch.setattr(found, "_choose", lambda done, count: impossible(choose(done, count)))
    found.tune(2)
    first, second = found.trials
    assert second["error"] == "kind is 'b', which is not possible"
    assert second["value"] is None
    assert found.best() == first


def test_the_choice_of_a_trial_depends_on_the_log_alone():
    found = search()
    found.tune(3)
    chosen = found._choose(found.trials, 3)
    assert chosen == search()._choose(found.trials, 3)
    assert [line["number"] for line in chosen] == [3, 4, 5]
    assert found._choose(found.trials, 1) == chosen[:1]  # the next one is the same, however many follow it
    assert len({json.dumps(line["options"]) for line in chosen}) == 3


def test_trials_run_together_as_jobs_of_their_own(capsys):
    assert cli.main([*TUNE, "--trials", "3", "--jobs", "2", "--output", "search"]) == 0
    assert "2 of 2: trial" in capsys.readouterr().out
    first, *others = search().trials
    assert first["options"] == {}
    assert first["tasks"]["short-copy"]["budget"] >= 1
    assert [line["number"] for line in others] == [1, 2]
    for line in others:
        kind = line["options"]["model.kind"]
        assert (line["error"] is None) == (kind == "a")
        recipe = read_recipe(
            Path(f"search/trials/{line['number']}/recipe.json"), config_class(load("./mine.py:Mine"))
        )
        assert recipe.model["kind"] == kind
        assert recipe.train.learning_rate == line["options"]["train.learning_rate"]
    assert cli.main([*TUNE, "--trials", "4", "--output", "search"]) == 0  # goes on in this process
    assert len(search().trials) == 4
    assert cli.main([*TUNE, "--jobs", "0", "--output", "other"]) == 2
    assert "jobs is 0; expected at least 1" in capsys.readouterr().err


def launcher(outcomes):
    """Return a launcher that runs nothing: each job has the line or the failure that is given for it."""

    def launch(jobs, finished=None):
        failures = {}
        for job in jobs:
            lock, commands = begin(job)
            lock.release()
            outcome = outcomes[job.number]
            if isinstance(outcome, Failure):
                failures[job] = outcome
            elif commands:
                job.outcome.parent.mkdir()
                job.outcome.write_text(json.dumps(outcome) + "\n", encoding="utf-8")
        return failures

    return launch


def told(value):
    tasks = {"short-copy": {"value": value, "accuracy": 0.5, "budget": 10, "parameters": 1, "seconds": 1.0}}
    return {"number": 0, "options": {}, "tasks": tasks, "value": value, "error": None}


def test_a_trial_that_fails_is_lost_and_one_that_was_killed_is_run_again():
    outcomes = {0: told(2.0), 1: Failure("kind is 'b', which is not possible"), 2: told(1.0), 3: told(3.0)}
    attempt = partial(trials.attempt, found := search(), [], launcher(outcomes))
    outcomes[3] = Failure("ended by signal 9", killed=True)
    with pytest.raises(
        ValueError, match="trial 3: ended by signal 9; mend that, and the same command goes on"
    ):
        found.tune(4, at_a_time=2, attempt=attempt)
    assert [(line["number"], line["value"], line["error"]) for line in found.trials] == [
        (0, 2.0, None),
        (1, None, "kind is 'b', which is not possible"),
    ]
    outcomes |= {2: None, 3: told(3.0)}  # the third one has its line already
    found.tune(4, at_a_time=2, attempt=attempt)
    assert [line["value"] for line in found.trials] == [2.0, None, 1.0, 3.0]
    assert found.best()["number"] == 2
    outcomes = {0: Failure("mine.py is damaged")}
    with pytest.raises(ValueError, match=r"trial 0: mine\.py is damaged"):
        (again := search("again")).tune(1, attempt=partial(trials.attempt, again, [], launcher(outcomes)))


def test_a_job_of_another_choice_is_run_again():
    found = search()
    attempt = partial(trials.attempt, found, [], launcher({0: told(2.0)}))
    chosen = found._choose([], 1)
    assert attempt(chosen)[0]["value"] == 2.0
    other = [chosen[0] | {"options": {"model.gain": 0.75}}]
    again = partial(trials.attempt, found, [], launcher({0: told(1.0)}))
    assert again(other)[0]["value"] == 1.0
    assert again(other)[0]["options"] == {"model.gain": 0.75}


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
