"""Descriptions of earlier formats are read in present names, and nothing else is renamed."""

import json
from dataclasses import replace

import pytest

from ntm_agents import migrate as names
from ntm_agents.migrate import FORMAT, Change, Format, migrate, playing
from ntm_agents.pretrained import HERE
from ntm_agents.training.run import Run, load_run, read_description

RUNS = sorted(path.parent for path in HERE.glob("*/*/config.json"))
OLD = {
    "agent": "lstm",
    "entry": "ntm_baselines.lstm:LSTM",
    "task": "copy",
    "model": {"units": 8, "depth": 2},
    "train": {"average": 0.5, "sequences": 32},
    "seed": 3,
    "track": "supervised",
}


@pytest.fixture
def one_more(monkeypatch):
    """Return a function that appends lines to the table of formats."""

    def append(*lines):
        monkeypatch.setattr(names, "FORMATS", (*names.FORMATS, *lines))

    return append


def test_a_description_of_the_first_format_has_present_names():
    assert migrate(OLD) == {
        "format": FORMAT,
        "agent": "lstm",
        "entry": "ntm_baselines:LSTM",
        "task": "copy",
        "model": {"hidden_size": 8, "num_layers": 2},
        "learner": "supervised",
        "train": {"ema_decay": 0.5, "sequences": 32},
        "seed": 3,
    }


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name} on {folder.name}")
def test_what_is_read_is_what_would_be_written_now(folder):
    run = Run.read(folder)
    now = json.loads(json.dumps(run.resolved()))
    assert migrate(now) == now
    record = migrate(read_description(folder))
    for part in ("model", "train"):  # options that came later have their defaults
        assert record.pop(part).items() <= now.pop(part).items()
    assert {name: record.get(name) for name in now} == now


def test_present_descriptions_stay_as_they_are():
    now = migrate(OLD)
    assert migrate(now) == now
    later = now | {"model": {"units": 5, "noise": 0.1}, "train": {"average": 1}}
    assert migrate(later) == later  # names that the first format used for something else


def test_options_of_a_model_of_ones_own_are_never_renamed():
    own = OLD | {"entry": "./mine.py:LSTM", "model": {"units": 8, "noise": 1}}
    assert migrate(own)["model"] == own["model"]
    assert migrate(own)["train"] == {"ema_decay": 0.5, "sequences": 32}  # which is the project's


@pytest.mark.parametrize(
    "part", [{"model": {"units": 8, "hidden_size": 9}}, {"train": {"lessons": {}, "task_overrides": {}}}]
)
def test_an_option_under_both_its_names_is_refused(part):
    with pytest.raises(ValueError, match=r"has both (units and hidden_size|lessons and task_overrides)"):
        migrate(OLD | part)


@pytest.mark.parametrize(
    ("written", "learner"),
    [
        ({}, "supervised"),
        ({"track": "supervised"}, "supervised"),
        ({"track": "reward", "train": {}}, "ppo"),
        ({"track": "reward", "train": {"algorithm": "a2c"}}, "a2c"),
    ],
)
def test_a_track_and_an_algorithm_are_a_learner(written, learner):
    record = {name: value for name, value in OLD.items() if name != "track"} | written
    found = migrate(record)
    assert found["learner"] == learner
    assert "track" not in found
    assert "algorithm" not in found["train"]


def test_a_rename_is_one_line(one_more):
    one_more(
        Format(models={"ntm_baselines:LSTM": Change(options={"hidden_size": "width"})}),
        Format(models={"ntm_baselines:LSTM": Change(name="ntm_baselines:Network")}),
        Format(learners={"supervised": Change(options={"ema_decay": "averaging"})}),
        Format(models={"ntm_baselines:Network": Change(options={"width": "units"})}),
    )
    found = migrate(OLD)
    assert found["format"] == FORMAT + 4
    assert found["entry"] == "ntm_baselines:Network"
    assert found["model"] == {"units": 8, "num_layers": 2}
    assert found["train"] == {"averaging": 0.5, "sequences": 32}
    assert migrate(found) == found


def test_an_option_is_dropped_at_the_value_at_which_it_did_nothing(one_more):
    one_more(Format(models={"ntm_baselines:LSTM": Change(dropped={"num_layers": 1})}))
    assert migrate(OLD | {"model": {"units": 8, "depth": 1}})["model"] == {"hidden_size": 8}
    assert migrate(OLD | {"model": {"units": 8}})["model"] == {"hidden_size": 8}
    with pytest.raises(ValueError, match=r"LSTM has num_layers=2, .* expected 1, or use the version"):
        migrate(OLD)


def test_an_option_that_did_nothing_is_dropped_at_any_value():
    record = OLD | {"track": "reward", "train": {"algorithm": "a2c", "epochs": 7, "rollout": 5}}
    assert migrate(record)["train"] == {"n_steps": 5}


def test_changes_beyond_the_tables_are_made_by_a_function(one_more):
    def split(options):
        deep = options.pop("num_layers") > 1
        return ("ntm_baselines:DeepLSTM" if deep else "ntm_baselines:LSTM"), options

    one_more(Format(models={"ntm_baselines:LSTM": Change(rewrite=split)}))
    assert migrate(OLD)["entry"] == "ntm_baselines:DeepLSTM"
    assert migrate(OLD | {"model": {"depth": 1}})["entry"] == "ntm_baselines:LSTM"


@pytest.mark.parametrize("found", [0, FORMAT + 1, True, "1", None])
def test_an_unknown_format_is_refused(found):
    with pytest.raises(ValueError, match=f"format is {found!r}; this ntm-envs reads 1 to {FORMAT}"):
        migrate(OLD | {"format": found})


def test_critics_of_the_first_format_do_not_play():
    tensors = dict.fromkeys(
        (
            "policy.mlp_extractor.policy_net.0.weight",
            "policy.mlp_extractor.value_net.0.weight",
            "policy.lstm_actor.bias_ih_l0",
            "policy.lstm_critic.bias_ih_l0",
            "policy.action_net.bias",
            "policy.value_net.bias",
        ),
        0,
    )
    actor = {name for name in tensors if not ("value" in name or "critic" in name)}
    old = {"entry": "ntm_baselines.sb3.policies:Recurrent"}
    assert playing(old, tensors).keys() == actor
    for other in (
        old | {"format": 2},
        {"entry": "ntm_baselines.lstm:LSTM"},
        {"entry": "./mine.py:Recurrent"},
    ):
        assert playing(other, tensors) == tensors


def test_machines_that_come_trained_are_of_both_formats_and_are_read():
    assert {read_description(folder).get("format") for folder in RUNS} == {None, 2}
    for folder in RUNS:
        model, run = load_run(folder)
        assert type(model).__name__ == run.entry.partition(":")[2]


def test_a_run_resumes_in_a_folder_of_an_earlier_format(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(OLD), encoding="utf-8")
    Run.read(tmp_path).write(tmp_path)
    assert json.loads(path.read_text(encoding="utf-8")) == OLD
    with pytest.raises(ValueError, match="seed is 3 there and 4 here"):
        replace(Run.of(OLD), seed=4).write(tmp_path)
    with pytest.raises(ValueError, match=r"model\.hidden_size is 8 there and 9 here"):
        replace(Run.of(OLD), model={"hidden_size": 9, "num_layers": 2}).write(tmp_path)
