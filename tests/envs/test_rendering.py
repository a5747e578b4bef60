import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from ntm_envs import tasks
from ntm_envs.rendering import Snapshot, ansi, rgb_array


def snapshot(name, now, sizes=None, wrong=()):
    """An episode after ``now`` steps that are right but for some bits ``(step, channel)``."""
    spec = tasks.spec(name)
    task = spec.make()
    batch = task.episodes([3], **(sizes or spec.largest))
    outputs = batch.targets[:now, 0].astype(np.float32)
    for step, channel in wrong:
        outputs[step, channel] = 1 - outputs[step, channel]
    return Snapshot(
        title="Title · length 7",
        input_channels=task.input_channels,
        output_channels=task.output_channels,
        inputs=batch.inputs[:, 0],
        targets=batch.targets[:, 0],
        mask=batch.mask[:, 0],
        outputs=outputs,
    )


@pytest.mark.parametrize("name", tasks.names())
def test_the_picture_keeps_its_size(name):
    shapes = {rgb_array(snapshot(name, now), 41).shape for now in (0, 1, 20, 30)}
    shapes |= {rgb_array(snapshot("copy", 3, {"length": 1}), 41).shape} if name == "copy" else set()
    assert len(shapes) == 1
    height, width, colours = shapes.pop()
    assert colours == 3
    assert 400 < width < 1000
    assert height < 1000


@pytest.mark.parametrize("draw", [ansi, lambda s: rgb_array(s, 41)])
@pytest.mark.parametrize("now", [0, 10, 25, 40])
def test_nothing_of_the_future_is_shown(draw, now):
    one = snapshot("copy", now)
    inputs, targets = one.inputs.copy(), one.targets.copy()
    inputs[now + 1 :], targets[now:] = 1 - inputs[now + 1 :], 1 - targets[now:]
    other = dataclasses.replace(one, inputs=inputs, targets=targets)
    np.testing.assert_array_equal(draw(one), draw(other))


def test_a_mistake_changes_its_own_cells_alone():
    right = rgb_array(snapshot("copy", 30), 41).astype(int)
    wrong = rgb_array(snapshot("copy", 30, wrong=[(25, 2)]), 41).astype(int)
    score = right.shape[0] and 32  # the line at the top that counts
    changed = np.argwhere((right != wrong).any(axis=2))
    changed = changed[changed[:, 0] > score]
    columns = np.unique(changed[:, 1])
    assert columns.min() >= 16 + 25 * 20
    assert columns.max() < 16 + 26 * 20
    rows = np.unique(changed[:, 0])
    assert (np.diff(rows) > 20).sum() == 1  # one cell in the output, one in the mistakes


@pytest.mark.parametrize("name", tasks.names())
@pytest.mark.parametrize("now", [0, 1, 33])
def test_text_fits_into_eighty_columns(name, now):
    lines = ansi(snapshot(name, now)).splitlines()
    assert max(map(len, lines)) <= 80
    spec = tasks.spec(name)
    for channel in spec.make().input_channels:
        assert any(channel in line for line in lines)


def test_long_episodes_scroll_to_the_present():
    text = ansi(snapshot("ngrams", 1500, {"length": 2000}))
    assert "step 1501 of 2000" in text
    assert "to 1501" in text
    assert max(map(len, text.splitlines())) <= 80
    assert rgb_array(snapshot("ngrams", 1500, {"length": 2000}), 2000).shape[1] < 1000


def test_text_marks_and_counts_mistakes():
    text = ansi(snapshot("copy", 41, wrong=[(25, 2), (25, 3), (30, 0)]))
    assert text.count("x") == 3
    assert "3 wrong bits" in text
    assert text.splitlines()[-1].split()[1] == "····2····1··········"


def test_the_window_shows_frames_and_closes(monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make("ntm_envs/Copy-v0", length=1, render_mode="human")
    env.unwrapped.metadata["render_fps"] = 1000
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.zeros(8, np.int8))
    env.close()
    env.close()


def test_a_missing_pygame_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    env = gym.make("ntm_envs/Copy-v0", render_mode="human")
    with pytest.raises(gym.error.DependencyNotInstalled, match="ntm-envs\\[render\\]"):
        env.reset(seed=0)
