"""Renderings of episodes and machines as text and as images."""

import copy
import dataclasses
import pickle

import gymnasium as gym
import numpy as np
import pytest

from ntm_envs import SequenceEnv, tasks
from ntm_envs.rendering import Snapshot, Trace, ansi, rgb_array, trace_ansi, trace_rgb_array
from ntm_envs.rendering.picture import ONE, PRESENT, WRONG

SEQUENCES = [row.name for row in tasks.TABLE if isinstance(row.make(), tasks.SequenceTask)]


def snapshot(name, now, sizes=None, wrong=()):
    """Return an episode after ``now`` steps with correct outputs, except at ``wrong`` (step, channel)."""
    spec = tasks.spec(name)
    task, sizes = spec.make(), sizes or spec.largest
    batch = task.episodes([3], **sizes)
    outputs = batch.targets[:now, 0].astype(np.float32)
    for step, channel in wrong:
        outputs[step, channel] = (outputs[step, channel] + 1) % task.answers.sizes[channel]
    return Snapshot(
        title="Title · length 7",
        input_channels=task.input_channels,
        output_channels=task.output_channels,
        answers=task.answers,
        steps=int(batch.steps[0]),
        inputs=batch.inputs[:, 0],
        targets=batch.targets[:, 0],
        mask=batch.mask[:, 0],
        outputs=outputs,
        view=task.view(3, sizes),
    )


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_size_of_images_does_not_depend_on_the_step(name):
    shapes = {rgb_array(snapshot(name, now), 41).shape for now in (0, 1, 20, 30)}
    shapes |= {rgb_array(snapshot("copy", 3, {"length": 1}), 41).shape} if name == "copy" else set()
    assert len(shapes) == 1
    height, width, colours = shapes.pop()
    assert colours == 3
    assert 400 < width < 1000
    assert height < 1000


@pytest.mark.parametrize("size", [1, 2, 9, 13, 22, 50, 57, 500])
def test_pictures_have_even_sizes(size):
    """Videos in H.264 need them: their colours have half the resolution."""
    odd = []
    for row in tasks.TABLE:
        wanted = {"repeats": 2}
        limits = row.make().limits.items()
        sizes = {name: min(max(wanted.get(name, size), low), high) for name, (low, high) in limits}
        for actions in ("answers", "probabilities"):
            env = gym.make(row.env_id, render_mode="rgb_array", actions=actions, **sizes)
            env.reset(seed=0)
            odd += [(row.name, sizes, env.render().shape)]
    assert not [found for found in odd if found[-1][0] % 2 or found[-1][1] % 2]


@pytest.mark.parametrize("slots", [1, 2, 5, 64])
def test_pictures_of_machines_have_even_sizes(slots):
    for columns in (1, 57, 101):
        memory = np.ones((slots, 7))
        shape = trace_rgb_array(trace(1, columns, slots, memory=memory), columns).shape
        assert not shape[0] % 2
        assert not shape[1] % 2


@pytest.mark.parametrize("draw", [ansi, lambda s: rgb_array(s, 41)])
@pytest.mark.parametrize("now", [0, 10, 25, 40])
def test_nothing_of_the_future_is_shown(draw, now):
    one = snapshot("copy", now)
    inputs, targets = one.inputs.copy(), one.targets.copy()
    inputs[now + 1 :], targets[now:] = 1 - inputs[now + 1 :], 1 - targets[now:]
    other = dataclasses.replace(one, inputs=inputs, targets=targets)
    np.testing.assert_array_equal(draw(one), draw(other))


def test_an_error_changes_only_its_own_cells():
    right = rgb_array(snapshot("copy", 30), 41).astype(int)
    wrong = rgb_array(snapshot("copy", 30, wrong=[(25, 2)]), 41).astype(int)
    score = right.shape[0] and 32  # the height of the line that counts errors
    changed = np.argwhere((right != wrong).any(axis=2))
    changed = changed[changed[:, 0] > score]
    columns = np.unique(changed[:, 1])
    assert columns.min() >= 16 + 25 * 20
    assert columns.max() < 16 + 26 * 20
    rows = np.unique(changed[:, 0])
    assert np.ptp(rows) < 20  # one cell of the output
    assert (wrong[rows.min() : rows.max(), columns] == WRONG).all(axis=2).any()


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("now", [0, 1, 33])
def test_text_fits_into_eighty_columns(name, now):
    lines = ansi(snapshot(name, now)).splitlines()
    assert max(map(len, lines)) <= 80
    task = tasks.spec(name).make()
    for channel in task.input_channels if task.view(3, tasks.spec(name).largest) is None else ():
        assert any(channel in line for line in lines)


def test_long_episodes_scroll_to_the_present():
    text = ansi(snapshot("ngrams", 1500, {"length": 2000}))
    assert "step 1501 of 2000" in text
    assert "to 1501" in text
    assert max(map(len, text.splitlines())) <= 80
    assert rgb_array(snapshot("ngrams", 1500, {"length": 2000}), 2000).shape[1] < 1000


def test_text_marks_and_counts_errors():
    text = ansi(snapshot("copy", 41, wrong=[(25, 2), (25, 3), (30, 0)]))
    assert text.count("x") == 3
    assert "3 wrong of 160" in text
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


def test_a_window_starts_and_stops_the_display_alone(monkeypatch):
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.quit()
    one, two = (SequenceEnv("copy", length=1, render_mode="human") for _ in range(2))
    for env in (one, two):
        env.metadata["render_fps"] = 1000
    one.close()  # before the first frame
    one.reset(seed=0), two.reset(seed=0)
    assert pygame.display.get_init()
    assert not pygame.mixer.get_init()
    assert not pygame.joystick.get_init()
    pygame.joystick.init()  # the user's own
    twin = pickle.loads(pickle.dumps(one))
    one.close()
    assert not pygame.display.get_init()
    assert pygame.joystick.get_init()
    for env in (two, one, twin, copy.deepcopy(two)):  # each opens a window again
        env.step(np.zeros(8, np.int8))
        env.render()
        assert pygame.display.get_init()
        env.close(), env.close()
    pygame.quit()


def test_a_missing_pygame_gets_an_installation_hint(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    env = gym.make("ntm_envs/Copy-v0", render_mode="human")
    with pytest.raises(gym.error.DependencyNotInstalled, match="ntm-envs\\[render\\]"):
        env.reset(seed=0)


def trace(now, steps=41, slots=41, heads=("write weighting",), used=None, **fields):
    """Return a machine whose heads have moved by one slot per step."""
    weighting = np.eye(slots, dtype=np.float32)[np.arange(now) % slots]
    used = np.arange(slots) if used is None else np.array(used)
    fields = {"memory": None, **fields}
    return Trace(steps=steps, weightings=dict.fromkeys(heads, weighting), slots=used, **fields)


def dark_cells(picture, columns, cell):
    """Return the runs of the darkest colour in each column of the first panel, as (first row, end row)."""
    middles = 16 + cell // 2 + cell * np.arange(columns)
    dark = (picture[28:, middles] == ONE).all(axis=2)
    dark = np.pad(dark, ((1, 1), (0, 0))).astype(int)
    return [
        list(zip(np.flatnonzero(np.diff(c) == 1), np.flatnonzero(np.diff(c) == -1), strict=True))
        for c in dark.T
    ]


@pytest.mark.parametrize("slots", [11, 41, 64, 300])
def test_a_sharp_weighting_is_one_dark_cell_per_column(slots):
    picture = trace_rgb_array(trace(41, slots=slots), 41)
    cells = dark_cells(picture, 41, 20)
    assert all(len(runs) == 1 for runs in cells)
    assert len({last - first for ((first, last),) in cells}) == 1
    firsts = [runs[0][0] for runs in cells]
    if slots >= 41:
        assert firsts == sorted(firsts)  # slots are numbered from the top down


def test_a_sharp_weighting_is_one_dark_character_per_column():
    lines = trace_ansi(trace(41), ["data 0"]).splitlines()
    assert lines[0] == "write weighting, 41 of 41 slots, 6 a line"
    rows = np.array([list(line[15:]) for line in lines[1:]])
    assert rows.shape == (7, 41)
    assert ((rows == "█").sum(axis=0) == 1).all()


@pytest.mark.parametrize("now", [0, 1, 40, 41])
def test_images_of_a_machine_are_as_wide_as_those_of_the_episode_and_keep_their_size(now):
    heads = ("write weighting", "read weighting")
    pictures = [trace_rgb_array(trace(n, heads=heads, memory=np.full((41, 20), n)), 41) for n in (now, 9)]
    assert pictures[0].shape == pictures[1].shape
    assert pictures[0].shape[1] == rgb_array(snapshot("copy", now), 41).shape[1]
    text = trace_ansi(trace(now, heads=heads), ["data 0"])
    assert len(text.splitlines()) == 16
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("now", [1, 30, 150])
def test_a_machine_is_shown_over_the_same_steps_as_the_episode(now):
    episode, machine = snapshot("copy", now, {"length": 100}), trace(now, 201, 256)
    pictures = rgb_array(episode, 201), trace_rgb_array(machine, 201)
    marks = [np.flatnonzero((picture == PRESENT).all(axis=2).any(axis=0)) for picture in pictures]
    assert len(marks[0])
    np.testing.assert_array_equal(*marks)
    line = ansi(episode).splitlines()[2]
    row = trace_ansi(machine, (*episode.input_channels, *episode.output_channels)).splitlines()[1]
    assert len(row) == len(line) - 1  # the current input is visible, but its weighting is not known yet


def test_a_long_trace_scrolls():
    early, late = (dark_cells(trace_rgb_array(trace(now, 200, 64), 200), 119, 7) for now in (119, 151))
    assert late[:87] == early[32:]
    assert late[87:] == early[55:87]  # after 64 steps the head is back at the same slot


def test_only_the_selected_slots_are_shown():
    one = trace(3, slots=6, used=[0, 2], memory=np.eye(6))
    assert "2 of 6 slots" in trace_ansi(one, ["data 0"])
    memory, weighting = np.eye(6), one.weightings["write weighting"].copy()
    memory[[1, 3, 4, 5]] = weighting[:, [1, 3, 4, 5]] = 0.5
    other = dataclasses.replace(one, memory=memory, weightings={"write weighting": weighting})
    np.testing.assert_array_equal(trace_rgb_array(one, 41), trace_rgb_array(other, 41))
    assert trace_ansi(one, ["data 0"]) == trace_ansi(other, ["data 0"])


def test_the_memory_has_signed_colours_up_to_the_largest():
    memory = np.array([[4.0, -4.0], [0.0, 1.0]])
    picture = trace_rgb_array(trace(1, 41, 2, heads=(), memory=memory, largest=4.0), 41)
    cells = picture[28 + 5 :: 10, 16 + 10 :: 20][:2, :2].tolist()
    assert cells[0] == [list(ONE), [221, 227, 235]]
    assert cells[1] == [[222, 135, 53], [125, 152, 186]]  # the square root of a quarter is a half


@pytest.mark.parametrize("slots", [1, 30, 154, 1000, 4000])
def test_any_number_of_slots_fits(slots):
    picture = trace_rgb_array(trace(41, slots=slots, memory=np.ones((slots, 20))), 41)
    assert picture.shape[1] == 852
    assert picture.shape[0] < 420
