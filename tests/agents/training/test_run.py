"""The folder of a run: its files, how they are read, and errors."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from tiny_runs import lines, tiny_run

from ntm_agents import Trainer, load_run
from ntm_agents.training import CheckpointError
from ntm_agents.training.run import versions


def test_a_complete_run_can_be_loaded(tmp_path):
    trained = Trainer(tiny_run(), tmp_path).train()
    model, run = load_run(tmp_path)
    assert run.resolved() == tiny_run().resolved()
    assert not model.training
    for name, tensor in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["sequences"] == 400
    assert summary["parameters"] == sum(p.numel() for p in model.parameters())
    best = min(
        (line["validation_loss"], line["validation_accuracy"])
        for line in lines(tmp_path)
        if "validation_loss" in line
    )
    assert (summary["validation_loss"], summary["validation_accuracy"]) == best
    assert Trainer(tiny_run(), tmp_path).complete


def test_the_packages_that_a_model_of_ones_own_imports_are_recorded(tmp_path):
    source = (Path(__file__).parents[2] / "good_models.py").read_text(encoding="utf-8")
    imports = "import PIL.Image as image, json\nfrom safetensors import torch\n"
    (tmp_path / "mine.py").write_text(imports + source, encoding="utf-8")
    tiny_run(entry=f"{tmp_path}/mine.py:Good").write(tmp_path / "run")
    recorded = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["versions"]
    own = {name: version(name) for name in ("pillow", "safetensors")}
    assert recorded == versions() | own
    assert versions("PIL.Image:Image") == versions() | {"pillow": own["pillow"]}
    assert versions("ntm_agents:NTM") == versions()


def test_another_run_in_the_folder_is_refused(tmp_path):
    Trainer(tiny_run(), tmp_path)
    with pytest.raises(ValueError, match=r"train.learning_rate is 0.003 there and 0.1 here"):
        Trainer(tiny_run(learning_rate=0.1), tmp_path)
    with pytest.raises(ValueError, match="seed is 0 there and 1 here"):
        Trainer(tiny_run(1), tmp_path)


def test_weights_of_another_model_are_refused(tmp_path):
    Trainer(tiny_run(), tmp_path).train()
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["model"]["hidden"] = 13
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"expected .*\(8, 13\)|expected .*39"):
        load_run(tmp_path)


def test_an_incomplete_run_is_not_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run in"):
        load_run(tmp_path)
    Trainer(tiny_run(), tmp_path)
    with pytest.raises(FileNotFoundError, match="not complete"):
        load_run(tmp_path)


def test_an_option_that_comes_later_makes_no_other_run(tmp_path):
    Trainer(tiny_run(), tmp_path).train()
    path = tmp_path / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    for part, name in (("model", "hidden"), ("train", "bucket_size")):  # as if there had been none
        del config[part][name]
    path.write_text(json.dumps(config), encoding="utf-8")
    assert Trainer(tiny_run(), tmp_path).complete
    with pytest.raises(ValueError, match="holds another run"):
        Trainer(tiny_run(model={"hidden": 5}), tmp_path)
    with pytest.raises(ValueError, match="holds another run"):
        Trainer(tiny_run(bucket_size=2), tmp_path)
    config["train"]["gone"] = 1  # one that no longer exists
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="holds another run"):
        Trainer(tiny_run(), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": [1]}, r"model is \[1\]; expected an object of options"),
        ({"train": None}, "train is None; expected an object of options"),
        ({"learner": 3}, "learner is 3; expected text"),
        ({"entry": None}, "entry is None; expected text"),
        ({"seed": True}, "seed is True; expected an integer"),
        ({"train": {"sizes": 3}}, "sizes is 3; expected a mapping of names to a list of 2 integers"),
        ({"format": "2"}, "format is '2'; this ntm-envs reads"),
        ({"surprise": 1}, "unexpected keyword argument 'surprise'"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path, change, message):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(tiny_run().resolved() | change), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"config\.json is not the configuration of a run: .*{message}"):
        load_run(tmp_path)


@pytest.mark.parametrize("field", ["entry", "task", "model", "learner", "train", "seed"])
def test_a_description_without_a_field_is_refused(tmp_path, field):
    record = tiny_run().resolved()
    del record[field]
    (tmp_path / "config.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match=f"configuration of a run: {field} is missing"):
        load_run(tmp_path)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    folder = tmp_path_factory.mktemp("complete")
    Trainer(tiny_run(sequences=8), folder).train()
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequences": -1}, "sequences is -1; expected an integer from 0 to"),
        ({"updates": None}, "updates is None; expected an integer"),
        ({"parameters": 2**63}, "parameters is 9223372036854775808; expected"),
        ({"restarts": 1.0}, r"restarts is 1\.0; expected an integer"),
        ({"steps": "8"}, "steps is '8'; expected an integer"),
        ({"seconds": float("inf")}, "seconds is inf; expected a finite number"),
    ],
    ids=str,
)
def test_a_damaged_summary_is_refused(complete, tmp_path, change, message):
    shutil.copytree(complete, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"summary\.json is damaged: {message}"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize(
    "data", [b"", b'{"agent": ', b"[1]", b"\xff\xfe\xfd", b"[" * 10**5, b'{"seed": ' + b"1" * 5000 + b"}"]
)
def test_a_file_that_is_no_json_is_refused(complete, tmp_path, name, data):
    shutil.copytree(complete, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} is damaged: "):
        load_run(tmp_path)


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    trainer = Trainer(tiny_run(), tmp_path)
    lock = str(tmp_path / ".lock")
    code = "import sys, time, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
    code += "print('it trains', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"it trains\n"
        with pytest.raises(ValueError, match="another process is training in"):
            trainer.train()
    finally:
        other.kill()  # as it is killed, its folder is free
        other.communicate()
    trainer.train()
    assert trainer.complete
