"""Supervised runs that are interrupted or killed resume, and end as if they had not been."""

import os
import signal

import pytest
import torch
from safetensors.torch import save
from tiny_runs import interrupted, killed, lines, tiny_run, without_time

from ntm_agents import Trainer
from ntm_agents.training import CheckpointError
from ntm_agents.training.checkpoint import load_tensors, save_tensors
from ntm_agents.training.writer import BEFORE, LAST

NOISY = {"hidden_size": 10, "memory_width": 6, "controller_noise": 0.3, "controller": "feedforward"}


@pytest.mark.parametrize(
    "train",
    [
        {},
        {"entry": "ntm_agents:NTM", "model": NOISY, "penalty": 0.1, "sequences": 200},
        {"entry": "ntm_agents:NTM", "model": {"hidden_size": 8}, "memory_doublings": 2, "sequences": 200},
        {"entry": "ntm_agents:NTM", "model": {"hidden_size": 8}, "memory_sizes": "all", "sequences": 200},
        {"entry": "ntm_agents:DNTM", "model": {"addressing": "hard", "hidden_size": 8}, "sequences": 200},
        {"model": {"unused": True}},
        {"optimizer": "adamw", "weight_decay": 0.1, "ema_decay": 0},
        {"optimizer": "rmsprop", "schedule": "cosine", "mixed_sizes": True},
        {"curriculum": {"length": 3}, "max_grad_norm": None, "restart_after": 200, "restart_loss": 1e-9},
        {"learning_rate": 0.3, "rollback": 1.0001, "rollback_rate": 0.7},
        {"steps": 41 * 400, "sequences": 1, "initial_range": 0.2, "alternate_from": 0.3, "solved_loss": 10.0},
        {
            "alternate_from": 0.0,
            "solved_loss": 0.7,
            "rollback": 1.0001,
            "restart_after": 200,
            "restart_loss": 0.5,
        },
    ],
    ids=str,
)
def test_a_run_that_was_interrupted_ends_in_the_same_bytes(tmp_path, train):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Trainer(tiny_run(**train), whole).train()
    interrupted(lambda report: Trainer(tiny_run(**train), parts, report=report), parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)
    assert not (parts / "checkpoint.safetensors").exists()


def test_a_killed_run_ends_in_the_same_bytes(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train = {"sequences": 1600, "checkpoint_seconds": 0.05}
    Trainer(tiny_run(**train), whole).train()
    prepare = (
        "from pathlib import Path\n"
        "from ntm_agents import Trainer\n"
        "from tiny_runs import tiny_run\n"
        "Trainer(tiny_run(sequences=8)).train()"  # imports what is imported late
    )
    killed(prepare, f"Trainer(tiny_run(**{train!r}), Path({str(parts)!r})).train()", parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_a_checkpoint_unless_it_was_ignored_before(tmp_path, number):
    heeding, ignoring = tmp_path / "heeding", tmp_path / "ignoring"
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Trainer(tiny_run(), heeding, report=lambda _: os.kill(os.getpid(), number)).train()
        assert (heeding / "checkpoint.safetensors").exists()
        signal.signal(number, signal.SIG_IGN)  # as a shell does for a command in the background
        Trainer(tiny_run(), ignoring, report=lambda _: os.kill(os.getpid(), number)).train()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert (ignoring / "summary.json").exists()


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        Trainer(tiny_run(), tmp_path, report=lambda _: os.kill(os.getpid(), signal.SIGINT)).train()
    path = tmp_path / "checkpoint.safetensors"
    tensors, record = load_tensors(path)
    save_tensors(path, {name: t for name, t in tensors.items() if name != "model.output.bias"}, record)
    with pytest.raises(CheckpointError, match=r"lacks the tensor 'model\.output\.bias'"):
        Trainer(tiny_run(), tmp_path)


@pytest.mark.parametrize("event", ["restarts", "dropped"])
def test_a_run_that_stops_early_resumes(tmp_path, event):
    train = {"restart_after": 200, "restart_loss": 1e-9} if event == "restarts" else {"patience": 60}
    run = tiny_run(model={"poison": 1} if event == "dropped" else {}, **train)

    def interrupt(metrics):
        if event in metrics:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Trainer(run, tmp_path, report=interrupt).train()
    assert (tmp_path / "checkpoint.safetensors").exists()
    trainer = Trainer(run, tmp_path)
    assert 0 < trainer.counters.sequences < 400
    trainer.train()
    assert trainer.counters.sequences - trainer.counters.restarted_at == 400


def test_a_deleted_log_does_not_hurt(tmp_path):
    run = tiny_run()
    with pytest.raises(KeyboardInterrupt):
        Trainer(run, tmp_path, report=lambda _: os.kill(os.getpid(), signal.SIGINT)).train()
    (tmp_path / "metrics.jsonl").unlink()
    Trainer(run, tmp_path).train()
    assert lines(tmp_path)[-1]["sequences"] == 400


def test_an_interrupted_trainer_resumes_itself(tmp_path):
    def interrupt(metrics):
        if metrics["update"] == 20 and not interrupted:
            interrupted.append(metrics)
            os.kill(os.getpid(), signal.SIGINT)

    interrupted, expected = [], Trainer(tiny_run()).train().state_dict()
    trainer = Trainer(tiny_run(), report=interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    torch.rand(3)
    for name, tensor in trainer.train().state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_the_file_of_a_checkpoint_holds_tensors_alone(tmp_path):
    def interrupt(metrics):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Trainer(tiny_run(log_every=1), tmp_path, report=interrupt).train()
    tensors, record = load_tensors(tmp_path / "checkpoint.safetensors")
    assert record["counters"]["updates"] == 1
    assert {name.partition(".")[0] for name in tensors} == {"rng", "model", "average", "optimizer"}


def stopped(folder, **train):
    """Leave a run behind at its first line of metrics, and return its checkpoint."""
    with pytest.raises(KeyboardInterrupt):
        Trainer(tiny_run(**train), folder, report=lambda _: os.kill(os.getpid(), signal.SIGINT)).train()
    return folder / "checkpoint.safetensors"


LATER = {"steps", "rollbacks", "solved_at"}
"""Counters that checkpoints did not always have."""


def test_a_checkpoint_of_the_first_format_goes_on(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Trainer(tiny_run(), whole).train()
    path = stopped(parts)
    tensors, record = load_tensors(path)
    counters = record["counters"]
    save_tensors(path, tensors, {name: counters[name] for name in counters.keys() - LATER})
    trainer = Trainer(tiny_run(), parts)
    assert trainer.counters.sequences > 0
    trainer.train()
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path, other = stopped(tmp_path / "one"), stopped(tmp_path / "other", learning_rate=0.1)
    path.write_bytes(other.read_bytes())
    with pytest.raises(
        CheckpointError, match=r"of another run \(train\.learning_rate is 0\.1 there and 0\.003"
    ):
        Trainer(tiny_run(), tmp_path / "one")


def counting(**counters):
    return lambda record: record | {"counters": record["counters"] | counters}


def without(counter):
    return lambda record: (
        record | {"counters": {name: count for name, count in record["counters"].items() if name != counter}}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda record: record["counters"] | {"logged_at": 1},
            "no checkpoint of this learner: .*'logged_at'",
        ),
        (without("updates"), "updates is missing"),
        (counting(updates=-1), "updates is -1; expected an integer from 0 to"),
        (counting(sequences=2**63), "sequences is 9223372036854775808; expected"),
        (counting(restarts=True), "restarts is True; expected an integer"),
        (counting(steps=1.5), r"steps is 1\.5; expected an integer"),
        (counting(seconds=float("nan")), "seconds is nan; expected a finite number"),
        (counting(best_loss="low"), "best_loss is 'low'; expected a number"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, change, message):
    path = stopped(tmp_path)
    tensors, record = load_tensors(path)
    save_tensors(path, tensors, change(record))
    with pytest.raises(CheckpointError, match=message):
        Trainer(tiny_run(), tmp_path)


def test_a_file_of_tensors_that_is_no_checkpoint_is_refused(tmp_path):
    stopped(tmp_path).write_bytes(save({"rng": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match="is no checkpoint; delete it"):
        Trainer(tiny_run(), tmp_path)


def flip(path):
    """Flip a bit of the last tensor of a file."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_the_checkpoint_before_takes_the_place_of_a_damaged_one(tmp_path):
    whole, parts, run = tmp_path / "whole", tmp_path / "parts", tiny_run(checkpoint_seconds=1e-9)
    last, warning = parts / LAST, r"is damaged: .*; training resumes from the checkpoint before it"
    Trainer(run, whole).train()

    def interrupt(metrics):
        if metrics["update"] == 20:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Trainer(run, parts, report=interrupt).train()
    flip(last)
    with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match=warning):
        Trainer(run, parts, report=interrupt).train()
    assert load_tensors(last)[1]["counters"]["updates"] == 20
    flip(last)
    with pytest.warns(UserWarning, match=warning):  # the damaged one has not taken the other's place
        trainer = Trainer(run, parts)
    assert trainer.counters.updates == 19
    trainer.train()
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)
    assert not list(parts.glob("*checkpoint*"))


def test_a_run_that_was_killed_before_its_next_checkpoint_was_there_resumes(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Trainer(tiny_run(), whole).train()
    stopped(parts).rename(parts / BEFORE)
    Trainer(tiny_run(), parts).train()
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)


def test_damaged_checkpoints_are_refused_if_there_is_no_other(tmp_path):
    flip(stopped(tmp_path))
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is damaged: .*; delete it to start"):
        Trainer(tiny_run(), tmp_path)


def test_a_damaged_log_goes_on_with_whole_lines(tmp_path):
    stopped(tmp_path)
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    Trainer(tiny_run(), tmp_path).train()
    assert lines(tmp_path)[-1]["sequences"] == 400


def test_nothing_is_left_of_a_checkpoint_that_was_never_whole(tmp_path):
    stopped(tmp_path)
    (tmp_path / ".checkpoint.safetensors.0123456789abcdef").touch()
    Trainer(tiny_run(), tmp_path).train()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".lock", "config.json", "metrics.jsonl", "model.safetensors", "summary.json"}
