import errno
import io
import re

import gymnasium as gym
import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import nn

from ntm_agents import DNC, NTM, ModelAgent
from ntm_envs import tasks
from ntm_envs.answers import Bits
from ntm_envs.rendering.picture import PRESENT
from ntm_leaderboard.harness import watching

COPY = "ntm_envs/Copy-v0"


class Stepper(nn.Module):
    """A machine whose head goes from slot to slot, and whose memory counts the steps."""

    def __init__(self, heads=1, entries=("write weighting", "memory", "other"), outputs=8):
        super().__init__()
        self.heads, self.entries, self.outputs = heads, entries, outputs

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 1), torch.zeros(batch_size, capacity)

    def forward(self, inputs, state):
        return torch.zeros(*inputs.shape[:2], self.outputs), (state[0] + len(inputs), state[1])

    def trace(self, state):
        (batch_size, slots), now = state[1].shape, int(state[0][0])
        weighting = torch.eye(slots)[max(now - 1, 0)].expand(batch_size, self.heads, slots)
        memory = torch.full((batch_size, slots, 3), float(now))
        everything = {"write weighting": weighting, "memory": memory, "other": state[0]}
        return {name: everything[name] for name in self.entries}


def frames(agent, length, mode):
    return list(watching.frames(agent, COPY, {"length": length}, key=3, render_mode=mode))


def rendered(agent, length, mode):
    """Return the environment's own renderings of the same episode."""
    env = gym.make(COPY, length=length, render_mode=mode, actions=agent.outputs)
    observation, _ = env.reset(options={"key": 3})
    agent.begin(1, 64, seed=0)
    shown, over = [env.render()], False
    while not over:
        observation, _, over, _, _ = env.step(agent.act(observation[None])[0])
        shown.append(env.render())
    return shown


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
@pytest.mark.parametrize(
    "agent",
    [tasks.get("copy").oracle(), ModelAgent(Stepper(entries=("memory", "other")), Bits(8))],
    ids=["no trace", "no weighting"],
)
def test_an_agent_that_shows_nothing_is_drawn_as_the_environment_does(agent, mode):
    for one, other in zip(frames(agent, 3, mode), rendered(agent, 3, mode), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("length", [2, 70])
def test_the_machine_stands_below_and_pictures_keep_their_size(length):
    agent = ModelAgent(Stepper(heads=2), Bits(8))
    shown, above = frames(agent, length, "rgb_array"), rendered(agent, length, "rgb_array")
    assert len({frame.shape for frame in shown}) == 1
    assert len(shown) == 2 * length + 2
    for frame, top in zip(shown, above, strict=True):
        np.testing.assert_array_equal(frame[: len(top)], top)
    assert len(shown[0]) > len(above[0])
    again = frames(agent, length, "rgb_array")
    assert all(np.array_equal(one, other) for one, other in zip(shown, again, strict=True))


def test_text_keeps_its_size_and_numbers_the_heads():
    shown = frames(ModelAgent(Stepper(heads=2), Bits(8)), 10, "ansi")
    assert len({text.count("\n") for text in shown}) == 1
    assert "write weighting 2, 21 of 32 slots, 3 a line" in shown[0]
    rows = shown[-1].split("write weighting 2")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["0", "3", "6", "9", "12", "15", "18"]
    assert [row.split()[1].index("█") for row in rows] == [0, 3, 6, 9, 12, 15, 18]


def test_the_slots_that_are_used_are_those_with_weight_after_a_step():
    def look(head, memory):
        usage = np.ones(6)  # does not count
        return watching._Look(("write weighting", "usage"), np.array([head, usage]), 1, memory, None)

    heads = np.zeros((3, 6), np.float32)
    heads[0, 5] = heads[1, 0] = heads[2, 3] = 1
    heads[2, 1], heads[2, 2] = 0.06, 0.04
    slots, largest = watching._extent(iter([look(head, np.full((6, 2), -2.0)) for head in heads]))
    assert slots.tolist() == [0, 1, 3]
    assert largest == 2
    # A head that is everywhere uses everything, and an empty memory is drawn too.
    slots, largest = watching._extent(iter([look(np.full(6, 1 / 6), None)] * 2))
    assert slots.tolist() == list(range(6))
    assert largest == 1


def test_a_memory_of_another_size_and_numbers_that_are_not_finite_are_left_out():
    model = Stepper()
    agent = ModelAgent(model, Bits(8))
    agent.begin(1, 8, seed=0)
    weighting = torch.full((1, 1, 8), torch.nan)
    model.trace = lambda state: {"read weighting": weighting, "memory": torch.zeros(1, 5, 2)}
    look = watching._look(agent)
    assert look.names == ("read weighting",)
    assert look.memory is None
    assert (look.rows == 0).all()
    assert len(frames(agent, 2, "rgb_array")) == 6
    model.trace = lambda state: {"read weighting": weighting, "write weighting": weighting[..., :4]}
    assert watching._look(agent) is None


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_a_neural_turing_machine_is_recorded(tmp_path, suffix):
    torch.manual_seed(0)
    agent = ModelAgent(
        NTM(9, 8, hidden_size=8, read_heads=2, memory_init="learned", head_init="learned"), Bits(8)
    )
    path = tmp_path / f"a.{suffix}"
    watching.record(agent, COPY, {"length": 2}, 0, [path], fps=8)
    with Image.open(path) as picture:
        assert picture.height > 1000
        assert getattr(picture, "n_frames", 1) == (6 if suffix == "gif" else 1)


def test_a_dnc_shows_its_usage_and_links_as_well():
    torch.manual_seed(0)
    model = DNC(9, 8, hidden_size=8, read_heads=2, links=2)
    agent = ModelAgent(model, Bits(8))
    *_, text = frames(agent, 2, "ansi")
    names = [line.partition(",")[0] for line in text.splitlines() if " of 8 slots" in line]
    assert names == ["write weighting", "read weighting 1", "read weighting 2", "usage"]
    *_, picture = frames(agent, 2, "rgb_array")
    shown = watching._look(agent)
    np.testing.assert_array_equal(shown.links, model.trace(agent.state)["links"][0])
    np.testing.assert_array_equal(shown.rows[3], agent.state.usage[0])
    whole = model.trace
    model.trace = lambda state: {name: part for name, part in whole(state).items() if name != "links"}
    *_, without = frames(agent, 2, "rgb_array")
    assert len(picture) > len(without)
    np.testing.assert_array_equal(picture[: len(without) - 20], without[:-20])


def test_the_pictures_of_a_short_episode_end_with_it():
    """Where the number of steps depends on the key, the sizes give an upper bound alone."""
    task = tasks.get("traversal")
    agent = ModelAgent(Stepper(outputs=task.output_size), task.answers)
    shown = watching.frames(agent, "ntm_envs/Traversal-v0", {"nodes": 4, "path": 1}, 3, "rgb_array")
    machine = list(shown)[-1][-120:]
    assert task.steps(nodes=4, path=1) > task.episodes([3], nodes=4, path=1).steps[0]
    assert not (machine == PRESENT).all(2).any()


def test_a_gif_shows_the_present_in_its_own_colour(tmp_path):
    path = tmp_path / "a.gif"
    watching.record(ModelAgent(Stepper(), Bits(8)), COPY, {"length": 10}, 0, [path], fps=8)
    with Image.open(path) as gif:
        gif.seek(4)
        colours = {colour for _, colour in gif.convert("RGB").getcolors(1000)}
    assert PRESENT in colours


def lines(picture):
    return [line.rstrip() for line in picture.rstrip("\n").splitlines()]


def test_a_low_terminal_shows_the_top_and_in_the_end_everything():
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=12)
    watching.play(ModelAgent(Stepper(), Bits(8)), COPY, {"length": 2}, 3, "ansi", 1000, console)
    hidden, *pictures = re.split(r"\r(?:\x1b\[2K(?:\x1b\[1A)?)+", console.file.getvalue())
    first = hidden.removeprefix("\x1b[?25l")
    *cropped, last = [lines(picture.removesuffix("\n\x1b[?25h")) for picture in (first, *pictures)]
    whole = [lines(frame) for frame in frames(ModelAgent(Stepper(), Bits(8)), 2, "ansi")]
    assert cropped == [frame[:12] for frame in whole]
    assert last == whole[-1]


def test_a_file_gets_the_last_picture_alone():
    console = Console(file=io.StringIO())
    watching.play(ModelAgent(Stepper(), Bits(8)), COPY, {"length": 90}, 3, "ansi", 0.01, console)
    assert lines(console.file.getvalue()) == lines(frames(ModelAgent(Stepper(), Bits(8)), 90, "ansi")[-1])


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_a_full_disk_leaves_the_old_picture_and_is_named(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=re.escape(f"No space left on device: '{path}'")):
        watching.record(ModelAgent(Stepper(), Bits(8)), COPY, {"length": 2}, 0, [path], fps=8)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_window_shows_the_machine_too(monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    shown = []
    show = watching.Window.show
    monkeypatch.setattr(
        watching.Window, "show", lambda self, frame, fps: (shown.append(frame), show(self, frame, fps))
    )
    watching.play(ModelAgent(Stepper(), Bits(8)), COPY, {"length": 1}, 3, "human", 1000, Console())
    for one, other in zip(shown, frames(ModelAgent(Stepper(), Bits(8)), 1, "rgb_array"), strict=True):
        np.testing.assert_array_equal(one, other)
