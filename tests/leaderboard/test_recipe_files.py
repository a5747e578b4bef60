"""Recipes from files, and options by the names that they had in earlier versions."""

import json
from pathlib import Path

import pytest

from ntm_agents import NTM, Recipe, TrainConfig, config_class
from ntm_baselines import LSTM
from ntm_baselines.learners.ppo import PPOConfig
from ntm_leaderboard import cli
from ntm_leaderboard.harness.recipes import read_recipe

LSTM_OPTIONS, NTM_OPTIONS = config_class(LSTM), config_class(NTM)


def written(folder, record):
    path = folder / "recipe.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def test_a_file_is_a_recipe(tmp_path):
    record = {
        "model": {"hidden_size": 12, "shift_bias": [0, 0, 2, 0, 0, 0]},
        "learner": "ppo",
        "train": {"gamma": 1, "sizes": {"length": [2, 10]}, "privileges": ["best_of_seeds"]},
    }
    recipe = read_recipe(written(tmp_path, record), NTM_OPTIONS)
    train = PPOConfig(gamma=1.0, sizes={"length": (2, 10)}, privileges=("best_of_seeds",))
    model = {"hidden_size": 12, "shift_bias": (0, 0, 2, 0, 0, 0)}
    assert recipe == Recipe(model=model, learner="ppo", train=train)
    assert read_recipe(written(tmp_path, {}), NTM_OPTIONS) == Recipe(train=TrainConfig())


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"train": {"learning_rate": "fast"}}, 'train.learning_rate is "fast"; expected a valid number'),
        ({"train": {"learning_rate": -1}}, "train.learning_rate is -1.0; expected a positive number"),
        ({"train": {"sequences": 0.5}}, "train.sequences is 0.5; expected a valid integer"),
        (
            {"train": {"optimizer": "sgd"}},
            "train.optimizer is \"sgd\"; expected 'adam', 'adamw' or 'rmsprop'",
        ),
        ({"train": {"sizes": {"length": [1]}}}, 'train.sizes is {"length": [1]}; expected'),
        (
            {"train": {"learning_rat": 1}},
            "unknown option of train 'learning_rat'; did you mean 'learning_rate'",
        ),
        ({"train": {"average": 0.9}}, "unknown option of train 'average'; did you mean 'ema_decay'?"),
        ({"train": {"n_steps": 5}}, "unknown option of train 'n_steps'"),
        (
            {"learner": "ppo", "train": {"steps": 5}},
            "option of train 'steps'; did you mean 'total_timesteps'?",
        ),
        ({"learner": "a2c", "train": {"clip_range": 0.1}}, "unknown option of train 'clip_range'"),
        ({"model": {"units": 3}}, "unknown option of model 'units'; did you mean 'hidden_size'?"),
        ({"model": {"hidden_size": "3"}}, 'model.hidden_size is "3"; expected a valid integer'),
        ({"model": [3]}, "model is [3]; expected an object of options"),
        ({"learner": "pppo"}, "unknown learner 'pppo'; did you mean 'ppo'"),
        ({"learner": 3}, "learner is 3; expected the name of a learner"),
        ({"track": "reward"}, "unknown part 'track'; did you mean 'learner'?"),
        ({"trian": {}}, "unknown part 'trian'; did you mean 'train'?"),
        ([], "expected a JSON object"),
    ],
    ids=str,
)
def test_errors_name_file_option_value_and_what_was_expected(tmp_path, record, message):
    path = written(tmp_path, record)
    with pytest.raises(ValueError, match="recipe") as error:
        read_recipe(path, LSTM_OPTIONS)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_the_recipe_in_the_documentation_is_one(tmp_path):
    pages = (Path(__file__).parents[2] / "docs").glob("*.md")
    (text,) = [text for page in pages if "## A recipe is data" in (text := page.read_text(encoding="utf-8"))]
    block = text.partition("## A recipe is data")[2].partition("```json\n")[2].partition("```")[0]
    recipe = read_recipe(written(tmp_path, json.loads(block)), NTM_OPTIONS)
    assert recipe.train == TrainConfig(sequences=48_000, task_overrides={"blank": 0.1})
    assert recipe.model["controller"] == "feedforward"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no recipe .*none\.json"):
        read_recipe(tmp_path / "none.json", LSTM_OPTIONS)


def test_options_on_the_command_line_override_a_recipe_file(tmp_path):
    record = {
        "model": {"hidden_size": 6},
        "train": {"sequences": 64, "learning_rate": 0.25, "validation_sequences": 4},
    }
    train = ["train", "--agent", "lstm", "--task", "copy", "--recipe", str(written(tmp_path, record))]
    assert cli.main([*train, "--output", str(tmp_path / "run"), "--learning-rate", "0.5"]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert config["model"]["hidden_size"] == 6
    assert config["model"]["num_layers"] == 1, "and not the two of the agent's own recipe"
    assert (config["train"]["sequences"], config["train"]["learning_rate"]) == (64, 0.5)


@pytest.mark.parametrize(
    ("option", "now"),
    [
        ("--average", "--ema-decay"),
        ("--clip-norm=3", "--max-grad-norm"),
        ("--model.units", "--model.hidden-size"),
        ("--model.no-feedback", "--model.no-read-feedback"),
        ("--track", "--learner"),
        ("--algorithm=a2c", "--learner"),
    ],
)
def test_options_of_earlier_versions_get_their_present_name(capsys, option, now):
    assert cli.main(["train", "--agent", "ntm", "--task", "copy", option, "3"]) == 2
    assert f"unknown option {option.partition('=')[0]}; did you mean {now}?" in capsys.readouterr().err
