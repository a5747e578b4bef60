"""The sizes that a run trains on, by its progress."""

import numpy as np
import pytest
from tiny_runs import tiny_run

from ntm_agents import TrainConfig, Trainer
from ntm_agents.training.curriculum import SequenceCurriculum
from ntm_envs import tasks


def sizes_at(config, training, progress, task="repeat_copy"):
    return SequenceCurriculum(config, tasks.get(task), training).at(progress)


def test_a_part_of_the_training_range():
    training = {"length": (1, 10), "items": (2, 6)}
    assert sizes_at(TrainConfig(sizes={"items": (5, 6)}), training, 0) == {"length": (1, 10), "items": (5, 6)}
    both = TrainConfig(sizes={"items": (3, 6)}, curriculum={"items": 4}, curriculum_end=0.5)
    assert [sizes_at(both, training, p)["items"] for p in (0, 1)] == [(3, 4), (3, 6)]
    assert sizes_at(TrainConfig(sizes={"length": (2, 20)}), {"length": 20}, 0) == {"length": (2, 20)}
    listed = TrainConfig(sizes={"items": [3, 6]}, curriculum={"items": 4})  # as JSON has it
    assert sizes_at(listed, training, 0) == sizes_at(both, training, 0)
    for sizes in ({"items": (0, 6)}, {"items": (5, 7)}, {"items": (6, 5)}, {"width": (1, 2)}):
        with pytest.raises(ValueError, match="sizes has"):
            sizes_at(TrainConfig(sizes=sizes), training, 0)


def test_a_curriculum_grows_to_the_whole_range():
    config = TrainConfig(curriculum={"repeats": 3}, curriculum_end=0.5)
    training = {"length": (1, 10), "repeats": (1, 11)}
    repeats = [sizes_at(config, training, p)["repeats"] for p in (0, 0.25, 0.5, 1)]
    assert repeats == [(1, 3), (1, 7), (1, 11), (1, 11)]
    assert sizes_at(config, training, 0)["length"] == (1, 10)
    assert sizes_at(TrainConfig(curriculum={"repeats": 3}, curriculum_end=0), training, 0)["repeats"] == (
        1,
        11,
    )


def test_all_sizes_grow_from_a_share_of_their_range():
    config = TrainConfig(initial_range=0.2, curriculum_end=0.2)
    training = tasks.spec("repeat_copy").training
    grown = [sizes_at(config, training, p) for p in (0, 0.1, 0.2, 1)]
    assert grown == [{"length": (1, high), "repeats": (1, high)} for high in (3, 7, 10, 10)]
    named = TrainConfig(initial_range=0.2, curriculum={"repeats": 7}, curriculum_end=0.2)
    assert sizes_at(named, training, 0) == {"length": (1, 3), "repeats": (1, 7)}
    part = TrainConfig(initial_range=0.5, sizes={"repeats": (4, 8)})
    assert [sizes_at(part, training, p)["repeats"] for p in (0, 1)] == [(4, 6), (4, 8)]


def test_a_fixed_size_gets_a_range_down_to_a_tenth_or_the_smallest_one_of_the_task():
    config = TrainConfig(initial_range=0.2, curriculum_end=0.5)
    for task, size, ends in (("ngrams", 200, [(20, 56), (20, 200)]), ("ngrams", 50, [(6, 15), (6, 50)])):
        grown = [sizes_at(config, {"length": size}, p, task)["length"] for p in (0, 0.5)]
        assert grown == ends
    assert tasks.get("ngrams").limits["length"][0] == 6
    assert sizes_at(TrainConfig(), {"length": 200}, 0, "ngrams") == {"length": 200}


def test_in_the_end_all_sequences_may_be_of_the_largest_sizes():
    config = TrainConfig(curriculum={"repeats": 3}, curriculum_end=0.5, longest_from=0.75)
    training = {"length": (1, 10), "repeats": (1, 11), "items": 4}
    assert sizes_at(config, training, 0.5) == {"length": (1, 10), "repeats": (1, 11), "items": 4}
    assert sizes_at(config, training, 0.625)["repeats"] == (6, 11)
    for progress in (0.75, 1):
        largest = {"length": (10, 10), "repeats": (11, 11), "items": 4}
        assert sizes_at(config, training, progress) == largest


@pytest.mark.parametrize(
    "curriculum", [{"width": 3}, {"repeats": 12}, {"repeats": 0}, {"length": 10}], ids=str
)
def test_a_curriculum_outside_the_range_is_refused(curriculum):
    config = TrainConfig(curriculum=curriculum)
    with pytest.raises(ValueError, match="curriculum has"):
        sizes_at(config, {"length": 200, "repeats": (1, 10)}, 0)


@pytest.mark.parametrize("mixed", [False, True])
def test_every_second_batch_may_be_of_the_largest_sizes(mixed):
    spec, keys = tasks.spec("repeat_copy"), np.arange(6)
    options = {"initial_range": 0.2, "curriculum_end": 0.5, "mixed_sizes": mixed}
    curricula = [
        SequenceCurriculum(TrainConfig(**options, alternate_from=start), spec.make(), spec.training)
        for start in (None, 0.25)
    ]
    for progress in (0.0, 0.2, 0.25, 0.5, 1.0):
        for update in range(4):
            without, alternating = (curriculum.draw(keys, progress, update) for curriculum in curricula)
            largest = update % 2 and progress >= 0.25
            assert alternating == ({"length": 10, "repeats": 10} if largest else without)


def test_half_of_the_batches_of_a_run_are_of_the_largest_size():
    run = tiny_run(alternate_from=0.5, mixed_sizes=True, sizes={"length": (1, 15)})
    trainer, lengths = Trainer(run), []
    for update in range(100):
        trainer.counters.updates = update
        lengths.append(trainer._batch(update / 100).sizes["length"])
    assert [update for update, drawn in enumerate(lengths) if set(drawn) == {15}] == [*range(51, 100, 2)]
    assert {*np.concatenate(lengths[50::2])} == {*range(1, 16)}
