"""Every memory machine of the package, small, and properties of states."""

import importlib
import inspect
import pkgutil

import pytest
import torch

from ntm_agents import machines
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.protocol import config_class, tensors

INPUTS, OUTPUTS = 3, 2
SMALL = {"hidden_size": 4, "memory_width": 3}

MACHINES = {
    name: kind
    for module in pkgutil.iter_modules(machines.__path__, f"{machines.__name__}.")
    for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
    if issubclass(kind, MemoryMachine) and not inspect.isabstract(kind)
}
every_machine = pytest.mark.parametrize("kind", MACHINES.values(), ids=MACHINES)


def make(kind, **config):
    """Return a small machine in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(0)
    options = inspect.signature(config_class(kind)).parameters
    model = kind(INPUTS, OUTPUTS, **{n: v for n, v in (SMALL | config).items() if n in options}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


class Whole(torch.nn.Module):
    """A model that runs from its initial state, which may have parameters of its own."""

    def __init__(self, model, capacity=6):
        super().__init__()
        self.model, self.capacity = model, capacity

    def forward(self, inputs):
        return self.model(inputs, self.model.initial_state(inputs.shape[1], self.capacity))[0]


def data(T, B):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def assert_rows_are_independent(model, capacity=8):
    """Assert that a change of one row of one tensor of an initial state changes nothing else."""
    with torch.no_grad():
        parts = dict(tensors(model.initial_state(3, capacity)))
        for name, tensor in parts.items():
            expected = {other: value.clone() for other, value in parts.items()}
            expected[name] = torch.cat((torch.full_like(tensor[:1], 7), expected[name][1:]))
            tensor[0] = 7
            for other, value in parts.items():
                assert torch.equal(value, expected[other]), f"{other}, by a change of {name}"
