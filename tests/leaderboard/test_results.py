import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ntm_leaderboard import earlier, results
from ntm_leaderboard.results import Result

SCORE = {"all_right": 3, "wrong_symbols": 5, "mean_return": 0.9, "cost_in_bits": 2.5, "metrics": {}}
PERFECT = {"all_right": 4, "wrong_symbols": 0, "mean_return": 1.0, "cost_in_bits": None}
RESULT = {
    "schema_version": 3,
    "agent": "ntm",
    "format": 2,
    "entry": "ntm_agents:NTM",
    "model": {"hidden_size": 100},
    "task": "ntm_envs/Copy-v0",
    "seed": 0,
    "training": None,
    "commitment": "a" * 64,
    "nonce": "0" * 64,
    "seconds": 1.5,
    "rungs": [
        {
            "sizes": {"length": 20},
            "sequences": 4,
            "symbols": 640,
            "score": SCORE,
            "references": {"oracle": PERFECT},
        }
    ],
    "versions": {"torch": "2.13.0"},
    "commit": None,
    "hardware": "x86_64",
    "created": "2026-11-21T00:00:00Z",
}


def changed(path, value):
    result = json.loads(json.dumps(RESULT))
    part = result
    *parents, last = path
    for name in parents:
        part = part[name]
    if value is KeyError:
        del part[last]
    else:
        part[last] = value
    return result


def test_a_result_comes_back_from_its_file(tmp_path):
    result = Result.model_validate(RESULT)
    path = tmp_path / "deep" / "result.json"
    result.write(path)
    assert Result.read(path) == result
    assert list(path.parent.iterdir()) == [path]
    assert result.rungs[0].sequence_accuracy == 0.75
    assert result.rungs[0].symbol_accuracy == 1 - 5 / 640


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema_version"], 4, "schema_version is 4; this ntm-envs reads 1 to 3"),
        (["extra"], 1, "extra"),
        (["agent"], KeyError, "agent"),
        (["seconds"], float("nan"), "seconds"),
        (["seconds"], -1, "seconds"),
        (["commitment"], "a" * 63, "commitment"),
        (["rungs"], [], "rungs"),
        (["created"], "2026-11-21T00:00:00", "created"),
        (["rungs", 0, "score", "all_right"], 5, "all_right is 5 of 4"),
        (["rungs", 0, "score", "wrong_symbols"], 641, "wrong_symbols is 641 of 640"),
        (["rungs", 0, "score", "wrong_symbols"], 0, "contradict"),
        (["rungs", 0, "score", "all_right"], 4, "5 wrong symbols and 4 of 4 correct sequences contradict"),
        (["rungs", 0, "score"], SCORE | {"all_right": 1, "wrong_symbols": 2}, "2 wrong symbols and 1 of 4"),
        (["rungs", 0, "score", "wrong_symbols"], 638, "638 wrong symbols and 3 of 4 correct sequences"),
        (["rungs", 0, "references", "oracle", "wrong_symbols"], 1, "oracle: 1 wrong symbols"),
        (["rungs", 0, "symbols"], 3, "symbols is 3; expected at least 4, one a sequence"),
        (["rungs", 0, "score", "cost_in_bits"], 1.2, "cost_in_bits is 1.2, and 5 of 640 symbols are wrong"),
        (["rungs", 0, "score", "cost_in_bits"], 3201.0, "cost_in_bits is 3201.0, .* to 3200.000 bits"),
        (["rungs", 0, "score", "mean_return"], float("inf"), "mean_return"),
        (["rungs", 0, "score", "cost_in_bits"], float("inf"), "cost_in_bits"),
        (["rungs", 0, "sequences"], 0, "sequences"),
        (["rungs", 0, "symbols"], 2**63, "symbols"),
        (["seed"], 2**63, "seed"),
        (["rungs", 0, "score", "metrics"], {"steps": float("nan")}, "metrics.steps"),
        (["rungs", 0, "score", "metrics"], {"Two words": 1.0}, "metrics"),
        (["format"], 0, "format"),
        (["status"], "approved", "status"),
    ],
)
def test_impossible_values_are_refused_by_name(path, value, message):
    with pytest.raises(ValidationError, match=message):
        Result.model_validate(changed(path, value))


TWICE = [RESULT["rungs"][0]] * 2


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema_version"], KeyError, "schema_version"),
        (["schema_version"], True, "schema_version is True"),
        (["seed"], "3", "seed"),
        (["seed"], True, "seed"),
        (["model", "controller_noise"], float("nan"), "model.*finite"),
        (["model", "biases"], [1.0, {"deep": float("inf")}], "model.*finite"),
        (["rungs"], TWICE, "rungs has {'length': 20} twice"),
        (["task"], "/tmp/evil.py:TASK", "task"),
        (["task"], "evil:TASK", "task"),
    ],
)
def test_inconsistent_or_executable_values_are_refused(path, value, message, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(changed(path, value)), encoding="utf-8")
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Result.read(tmp_path / "result.json")


TRAINING = {
    "learner": "a2c",
    "track": "reward",
    "sequences": 100,
    "seconds": 1.0,
    "restarts": 0,
    "dropped_updates": 0,
    "parameters": 5,
    "state_values": 5,
    "recipe": {"algorithm": "a2c", "entropy": 0.1},
}


@pytest.mark.parametrize("version", [1, 2])
def test_a_record_of_an_earlier_version_is_read_as_one_of_the_present(version):
    result = RESULT | {"format": 1, "training": TRAINING}
    record = {name: value for name, value in result.items() if name != "format"}
    record |= {"schema_version": version, "training": dict(TRAINING)}
    del record["training"]["learner"]
    text = json.dumps(record).replace(', "metrics": {}', "")
    if version == 1:
        for new, old in earlier.RENAMED.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        assert '"wrong_bits"' in text
    found = Result.model_validate_json(text)
    assert found == Result.model_validate(result)
    assert found.training.recipe == TRAINING["recipe"]  # as it was written
    assert found.description["learner"] == "a2c"


def test_a_record_that_names_no_track_is_of_supervised_training():
    training = {name: value for name, value in TRAINING.items() if name not in ("track", "learner")}
    found = Result.model_validate_json(json.dumps(RESULT | {"schema_version": 2, "training": training}))
    assert (found.training.track, found.training.learner) == ("supervised", "supervised")


def test_a_result_cannot_be_changed():
    result = Result.model_validate(RESULT)
    with pytest.raises(ValidationError, match="frozen"):
        result.seed = 1


def test_the_json_schema_is_that_of_the_model():
    path = Path(results.__file__).parents[1] / "result.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == Result.model_json_schema(), results.__doc__
