"""One-shot learning: drawings, properties of episodes, a second definition, the reference and renderings."""

import dataclasses

import numpy as np
import pytest
import slow_recall
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_baselines.nearest import NearestNeighbour, nearest
from ntm_envs import capacity, keyed, playing, tasks
from ntm_envs.rendering import Snapshot, ansi, rgb_array
from ntm_envs.rendering.picture import PRESENT, WRONG
from ntm_envs.tasks.recall import glyphs
from ntm_envs.tasks.recall.one_shot import PIXELS, OneShot, presentations


@given(st.integers(0, 2**63 - 1), st.integers(2, 4), st.integers(1, 2), st.integers(0, 3))
@settings(max_examples=6)
def test_one_shot_is_its_second_definition(key, classes, shots, more):
    batch = OneShot(labels=classes + more).episodes([key], classes=classes, shots=shots)
    drawn, labels = slow_recall.one_shot(key, classes, shots, classes + more)
    assert (64 * batch.inputs[:, 0, :PIXELS]).tolist() == drawn
    assert batch.targets[:, 0, 0].tolist() == labels
    known = np.eye(classes + more)[labels[:-1]]
    np.testing.assert_array_equal(batch.inputs[1:, 0, PIXELS:], known)
    assert not batch.inputs[0, 0, PIXELS:].any()


def test_every_class_is_shown_equally_often_under_one_of_all_labels():
    batch = OneShot(labels=7).episodes(np.arange(700), classes=3, shots=4)
    counts = np.stack([(batch.targets[:, :, 0] == label).sum(axis=0) for label in range(7)])
    assert set(np.unique(counts)) == {0, 4}
    used = (counts == 4).sum(axis=1)
    assert (abs(used - 300) < 5 * np.sqrt(300)).all()
    first = np.bincount(batch.targets[0, :, 0], minlength=7)
    assert (abs(first - 100) < 5 * np.sqrt(100)).all()


def test_drawings_of_one_class_differ_and_are_more_alike_than_those_of_others():
    batch = OneShot().episodes(np.arange(60), classes=5, shots=3)
    drawn, labels = batch.inputs[:, :, :PIXELS], batch.targets[:, :, 0]
    apart = ((drawn[:, None] - drawn) ** 2).sum(axis=3)
    same, itself = labels[:, None] == labels, np.eye(len(labels), dtype=bool)[:, :, None]
    assert (apart[np.broadcast_to(~itself, apart.shape)] > 0).all()
    assert apart[same & ~itself].mean() < 0.8 * apart[~same].mean()


def test_glyphs_are_grey_values_of_64_levels_with_white_black_and_grey():
    words = keyed.words(np.arange(200), keyed.DATA, glyphs.CHARACTER + glyphs.GLYPH)
    drawn = glyphs.draw(glyphs.characters(words[:, : glyphs.CHARACTER]), words[:, glyphs.CHARACTER :])
    assert drawn.dtype == np.float32
    assert (64 * drawn == np.round(64 * drawn)).all()
    assert drawn.min() == 0
    assert drawn.max() == 1
    assert len(np.unique(drawn)) == 65
    assert (drawn.max(axis=1) > 0.5).all()
    one_at_a_time = [
        glyphs.draw(glyphs.characters(row[None, : glyphs.CHARACTER]), row[None, glyphs.CHARACTER :])[0]
        for row in words[:5]
    ]
    np.testing.assert_array_equal(drawn[:5], one_at_a_time)


def test_all_products_and_sums_of_ink_are_exact_in_float32():
    least = -glyphs.AWAY
    assert 256 * (abs(least) * (256 + glyphs.SCALE + glyphs.TURN) // 256 + 400) < 2**24
    assert glyphs.STROKES * 17 * 16 * 16 < 2**24


def test_presentations_are_counted_for_each_class():
    labels = np.array([[3, 3, 1, 3, 1], [0, 1, 0, 0, 0]]).T
    assert presentations(labels).T.tolist() == [[1, 2, 1, 3, 2], [1, 1, 2, 3, 4]]


def test_accuracies_are_those_at_each_presentation():
    task = OneShot(labels=3)
    batch = task.episodes([1, 2, 3], classes=(2, 3), shots=(5, 6))
    late = presentations(np.where(batch.mask, batch.targets[:, :, 0], 9)) >= 3
    found = task.measure(batch, late & batch.mask)
    assert list(found) == [f"presentation_{k}" for k in (1, 2, 3, 5)]  # ten are not shown
    assert {name: values.tolist() for name, values in found.items()} == {
        "presentation_1": [0.0] * 3,
        "presentation_2": [0.0] * 3,
        "presentation_3": [1.0] * 3,
        "presentation_5": [1.0] * 3,
    }


def test_the_nearest_neighbour_is_right_at_half_to_four_fifths_of_second_presentations():
    """The difficulty of the drawings, which was set once."""
    task, sizes = tasks.get("one_shot"), {"classes": 5, "shots": 3}
    played = playing.play(nearest(task), task, sizes, np.arange(400), capacity=16, whole=True)
    assert played.metrics["presentation_1"].mean() < 0.1  # it never guesses that a class is new
    assert 0.55 < played.metrics["presentation_2"].mean() < 0.75
    assert played.metrics["presentation_3"].mean() > played.metrics["presentation_2"].mean()


def test_the_nearest_neighbour_is_found():
    task = OneShot(labels=3)
    batch, agent = task.episodes(np.arange(20), classes=3, shots=4), NearestNeighbour()
    agent.begin(20, capacity(12), seed=0)
    answers = np.stack([agent.act(inputs) for inputs in batch.inputs])[:, :, 0]
    for b in range(20):
        drawn = batch.inputs[:, b, :PIXELS].astype(np.float64)
        for t in range(1, 12):
            apart = ((drawn[:t] - drawn[t]) ** 2).sum(axis=1)
            assert answers[t, b] == batch.targets[apart.argmin(), b, 0]
    assert nearest(tasks.get("copy")) is None


def snapshot(now, shots=4, wrong=()):
    """Return an episode after ``now`` steps with correct answers, except at ``wrong``."""
    task, sizes = tasks.get("one_shot"), {"classes": 2, "shots": shots}
    batch = task.episodes([3], **sizes)
    outputs = batch.targets[:now, 0].astype(np.float32)
    for step in wrong:
        outputs[step] = (outputs[step] + 1) % 5
    return Snapshot(
        title="OneShot",
        input_channels=task.input_channels,
        output_channels=task.output_channels,
        answers=task.answers,
        steps=len(batch.inputs),
        inputs=batch.inputs[:, 0],
        targets=batch.targets[:, 0],
        mask=batch.mask[:, 0],
        outputs=outputs,
        view=task.view(3, sizes),
    )


@pytest.mark.parametrize("now", [0, 1, 5, 7])
def test_nothing_of_the_future_is_shown(now):
    shown = snapshot(now)
    inputs, targets = shown.inputs.copy(), shown.targets.copy()
    inputs[now + 1 :] = 0.5
    targets[now:] = 4
    other = dataclasses.replace(shown, inputs=inputs, targets=targets)
    np.testing.assert_array_equal(rgb_array(shown, 60), rgb_array(other, 60))
    assert ansi(shown) == ansi(other)


def test_pictures_keep_their_size_and_mark_the_present_and_errors():
    sizes = {rgb_array(snapshot(now), 60).shape for now in range(9)}
    assert len(sizes) == 1
    middle, end = rgb_array(snapshot(5, wrong=[2]), 60), rgb_array(snapshot(8), 60)
    assert (middle == PRESENT).all(axis=2).any()
    assert (middle == WRONG).all(axis=2).any()
    assert not (end == PRESENT).all(axis=2).any()
    assert not (end == WRONG).all(axis=2).any()


def test_of_a_long_episode_the_last_drawings_are_shown():
    assert len(rgb_array(snapshot(400, shots=250), 60)) == len(rgb_array(snapshot(0, shots=250), 60)) < 800


def test_text_shows_drawings_labels_answers_and_errors():
    shown = snapshot(6, wrong=[2])
    lines = ansi(shown, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("█" in line for line in lines)
    labels, answers, marks = (line[8:] for line in (*lines[-3:-1], lines[-1].ljust(8)))
    assert labels == "".join(map(str, shown.targets[:6, 0]))
    assert answers[:2] == labels[:2]
    assert answers[2] != labels[2]
    assert marks == "  x"
