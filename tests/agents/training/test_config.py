import re

import pytest

from ntm_agents import TrainConfig
from ntm_envs import tasks


def test_the_rate_is_constant_and_then_falls():
    config = TrainConfig(learning_rate=1.0, decay_start=0.5, final_rate=0.1)
    assert [config.rate(p) for p in (0, 0.5)] == [1, 1]
    assert config.rate(0.75) == pytest.approx(0.1 + 0.9 * 0.5)
    assert config.rate(1) == pytest.approx(0.1)
    assert TrainConfig(learning_rate=1.0, schedule="constant").rate(1) == 1
    cosine = TrainConfig(learning_rate=1.0, schedule="cosine", decay_start=0, final_rate=0)
    assert cosine.rate(0.5) == pytest.approx(0.5)
    assert cosine.rate(0.25) == pytest.approx((1 + 0.5**0.5) / 2)


def test_the_penalty_grows_to_its_weight():
    config = TrainConfig(penalty=2.0, penalty_start=0.25, penalty_end=0.75)
    weights = [config.penalty_weight(p) for p in (0, 0.25, 0.5, 0.75, 1)]
    assert weights == pytest.approx([0, 0, 1, 2, 2])
    at_once = TrainConfig(penalty=2.0, penalty_start=0.5, penalty_end=0.5)
    assert [at_once.penalty_weight(p) for p in (0.4, 0.5, 1)] == [0, 2, 2]


def test_a_solved_run_takes_smaller_steps_from_then_on():
    config = TrainConfig(learning_rate=1.0, decay_start=0.5, final_rate=0.2)
    assert [config.rate(p, 0.2) for p in (0.1, 0.2)] == [1, 1]
    assert config.rate(0.6, 0.2) == pytest.approx(0.6)  # half of the way from 0.2 to the end
    assert config.rate(1, 0.2) == pytest.approx(0.2)
    for progress in (0.4, 0.75, 1):  # what is solved later has begun to fall already
        assert config.rate(progress, 0.7) == config.rate(progress)
    assert TrainConfig(learning_rate=1.0, schedule="constant").rate(0.5, 0.2) == 1


def test_a_budget_in_steps_is_as_many_sequences_as_have_them():
    config = TrainConfig(steps=100_000, learning_rate=0.1)
    for task, longest in (("copy", 41), ("ngrams", 200), ("repeat_copy", 112)):
        spec = tasks.spec(task)
        assert spec.make().steps(**spec.largest) == longest
        resolved = config.for_task(spec)
        assert resolved == TrainConfig(sequences=100_000 // longest, learning_rate=0.1)
        assert resolved.for_task(spec) is resolved
    assert TrainConfig(steps=1).for_task(tasks.spec("copy")).sequences == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequences", 0),
        ("steps", 0),
        ("batch_size", 0),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", 1e31),
        ("max_grad_norm", -1),
        ("ema_decay", 1),
        ("decay_start", 1.5),
        ("optimizer", "sgd"),
        ("schedule", "step"),
        ("minutes", 0),
        ("weight_decay", -1),
        ("penalty", -1),
        ("penalty_end", 2),
        ("privileges", ("luck",)),
        ("bucket_size", 0),
        ("epsilon", 0),
        ("beta2", 1),
        ("log_every", 0),
        ("keep_every", 0),
        ("longest_from", 0.5),
        ("initial_range", 1.5),
        ("alternate_from", -0.1),
        ("solved_loss", 0),
        ("memory_doublings", 9),
        ("memory_sizes", "odd"),
        ("rollback", 1),
        ("rollback_rate", 0.0),
        ("rollback_rate", 1.5),
    ],
)
def test_impossible_values_are_named(name, value):
    with pytest.raises(ValueError, match=re.escape(f"{name} is {value!r}")):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequences": 1.5}, "sequences is 1.5; expected an integer"),
        ({"batch_size": True}, "batch_size is True; expected an integer"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1'; expected a finite number"),
        (
            {"sizes": {"length": 5}},
            "sizes is {'length': 5}; expected a mapping of names to a list",
        ),
        ({"privileges": "long_validation"}, "privileges is 'long_validation'; expected a list of"),
        ({"optimizer": "sgd"}, "optimizer is 'sgd'; expected one of 'adam', 'adamw', 'rmsprop'"),
        ({"minutes": "1"}, "minutes is '1'; expected a finite number or None"),
    ],
)
def test_options_of_another_type_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**options)
