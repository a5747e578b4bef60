"""A run does not depend on what its caller has set in PyTorch, and leaves it as it was."""

from contextlib import contextmanager

import pytest
import torch
from tiny_runs import interrupted, tiny_run

from ntm_agents import Trainer, load_run


@contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SETTINGS = [
    default_dtype,
    lambda: torch.device("meta"),
    torch.no_grad,
    torch.inference_mode,
    lambda: torch.autocast("cpu", dtype=torch.bfloat16),
]


def settings():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
    )


@pytest.mark.parametrize("changed", SETTINGS)
def test_a_run_is_the_same_whatever_its_caller_has_set(changed, tmp_path):
    run = tiny_run(sequences=80, validate_every=40, log_every=1, optimizer="rmsprop")
    Trainer(run, tmp_path / "plain").train()
    with changed():
        before = settings()
        interrupted(lambda report: Trainer(run, tmp_path / "changed", report=report), tmp_path / "changed")
        assert settings() == before
        model, _ = load_run(tmp_path / "changed")
    plain, other = (tmp_path / name / "model.safetensors" for name in ("plain", "changed"))
    assert plain.read_bytes() == other.read_bytes()
    assert all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())
