"""Memories of random sizes in training."""

import pytest
from tiny_runs import tiny_run

from ntm_agents import NTM, Trainer


def drawn_slots(monkeypatch, **options):
    """Return the numbers of slots of a training on 41 steps, of which 64 is the bound."""
    slots = {True: [], False: []}
    begin = NTM.initial_state

    def initial_state(model, batch_size, capacity):
        slots[model.training].append(capacity)
        return begin(model, batch_size, capacity)

    monkeypatch.setattr(NTM, "initial_state", initial_state)
    options = {"sizes": {"length": (20, 20)}, "sequences": 240, **options}
    Trainer(tiny_run(entry="ntm_agents:NTM", model={"hidden_size": 8}, **options)).train()
    assert set(slots[False]) == {64}
    return slots[True]


def test_memories_are_doubled_at_random_in_training_alone(monkeypatch):
    slots = drawn_slots(monkeypatch, memory_doublings=2)
    shares = [slots.count(each) / len(slots) for each in (64, 128, 256)]
    assert sum(shares) == 1
    assert min(shares) > 0.1


@pytest.mark.parametrize("doublings", [0, 1])
def test_memories_have_any_number_of_slots_that_suffices(monkeypatch, doublings):
    slots = drawn_slots(monkeypatch, memory_sizes="all", memory_doublings=doublings)
    least, largest = 41, 64 << doublings
    assert least <= min(slots) < least + (largest - least) / 4
    assert largest - (largest - least) / 4 < max(slots) <= largest
