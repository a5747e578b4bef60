import re

import pytest

from ntm_agents import TrainConfig


def test_the_rate_is_constant_and_then_falls():
    config = TrainConfig(learning_rate=1.0, decay_start=0.5, final_rate=0.1)
    assert [config.rate(p) for p in (0, 0.5)] == [1, 1]
    assert config.rate(0.75) == pytest.approx(0.1 + 0.9 * 0.5)
    assert config.rate(1) == pytest.approx(0.1)
    assert TrainConfig(learning_rate=1.0, schedule="constant").rate(1) == 1
    cosine = TrainConfig(learning_rate=1.0, schedule="cosine", decay_start=0, final_rate=0)
    assert cosine.rate(0.5) == pytest.approx(0.5)
    assert cosine.rate(0.25) == pytest.approx((1 + 0.5**0.5) / 2)


def test_a_part_of_the_training_range():
    training = {"length": (1, 10), "items": (2, 6)}
    assert TrainConfig(sizes={"items": (5, 6)}).sizes_at(training, 0) == {"length": (1, 10), "items": (5, 6)}
    both = TrainConfig(sizes={"items": (3, 6)}, curriculum={"items": 4}, curriculum_end=0.5)
    assert [both.sizes_at(training, p)["items"] for p in (0, 1)] == [(3, 4), (3, 6)]
    assert TrainConfig(sizes={"length": (2, 20)}).sizes_at({"length": 20}, 0) == {"length": (2, 20)}
    listed = TrainConfig(sizes={"items": [3, 6]}, curriculum={"items": 4})  # as JSON has it
    assert listed.sizes_at(training, 0) == both.sizes_at(training, 0)
    for sizes in ({"items": (0, 6)}, {"items": (5, 7)}, {"items": (6, 5)}, {"width": (1, 2)}):
        with pytest.raises(ValueError, match="sizes has"):
            TrainConfig(sizes=sizes).sizes_at(training, 0)


def test_the_penalty_grows_to_its_weight():
    config = TrainConfig(penalty=2.0, penalty_start=0.25, penalty_end=0.75)
    weights = [config.penalty_weight(p) for p in (0, 0.25, 0.5, 0.75, 1)]
    assert weights == pytest.approx([0, 0, 1, 2, 2])
    at_once = TrainConfig(penalty=2.0, penalty_start=0.5, penalty_end=0.5)
    assert [at_once.penalty_weight(p) for p in (0.4, 0.5, 1)] == [0, 2, 2]


def test_a_curriculum_grows_to_the_whole_range():
    config = TrainConfig(curriculum={"repeats": 3}, curriculum_end=0.5)
    training = {"length": (1, 10), "repeats": (1, 11)}
    repeats = [config.sizes_at(training, p)["repeats"] for p in (0, 0.25, 0.5, 1)]
    assert repeats == [(1, 3), (1, 7), (1, 11), (1, 11)]
    assert config.sizes_at(training, 0)["length"] == (1, 10)
    assert TrainConfig(curriculum={"repeats": 3}, curriculum_end=0).sizes_at(training, 0)["repeats"] == (
        1,
        11,
    )


def test_in_the_end_all_sequences_may_be_of_the_largest_sizes():
    config = TrainConfig(curriculum={"repeats": 3}, curriculum_end=0.5, longest_from=0.75)
    training = {"length": (1, 10), "repeats": (1, 11), "items": 4}
    assert config.sizes_at(training, 0.5) == {"length": (1, 10), "repeats": (1, 11), "items": 4}
    assert config.sizes_at(training, 0.625)["repeats"] == (6, 11)
    for progress in (0.75, 1):
        largest = {"length": (10, 10), "repeats": (11, 11), "items": 4}
        assert config.sizes_at(training, progress) == largest


@pytest.mark.parametrize(
    "curriculum", [{"width": 3}, {"repeats": 12}, {"repeats": 0}, {"length": 10}], ids=str
)
def test_a_curriculum_outside_the_range_is_refused(curriculum):
    config = TrainConfig(curriculum=curriculum)
    with pytest.raises(ValueError, match="curriculum has"):
        config.sizes_at({"length": 200, "repeats": (1, 10)}, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequences", 0),
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
        ("longest_from", 0.5),
        ("rollback", 1),
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
