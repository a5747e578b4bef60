"""Renderings of graphs: nothing of the future, triples as numbers, and errors."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from ntm_envs import tasks
from ntm_envs.rendering import Snapshot, ansi, rgb_array
from ntm_envs.rendering.canvas import Canvas
from ntm_envs.rendering.picture import ONE, PRESENT, WRONG
from ntm_envs.tasks.graph.triples import labels, read


def snapshot(now, path=4, wrong=()):
    """Return an episode of traversal after ``now`` steps with correct outputs, except at ``wrong``."""
    task, sizes = tasks.get("traversal"), {"nodes": 5, "path": path}
    batch = task.episodes([3], **sizes)
    outputs = batch.targets[:now, 0].astype(np.float32)
    for step, digit in wrong:
        outputs[step, digit] = (outputs[step, digit] + 1) % 10
    return Snapshot(
        title="Traversal",
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


EDGES = snapshot(0).steps - 8
"""Number of edges of the graph."""


def draw(shown):
    return rgb_array(shown, 60)


def has(picture, colour):
    return (picture == colour).all(axis=2).any()


@pytest.mark.parametrize("now", [0, 3, EDGES - 1, EDGES, EDGES + 3])
def test_nothing_of_the_future_is_shown(now):
    one, other = snapshot(now), snapshot(now, path=9)  # of the same graph, with the same first edges
    assert one.steps != other.steps
    other = dataclasses.replace(other, steps=one.steps)
    assert ansi(one) == ansi(other)
    np.testing.assert_array_equal(draw(one), draw(other))
    blank = dataclasses.replace(one, inputs=one.inputs[: now + 1], targets=one.targets[:now])
    np.testing.assert_array_equal(draw(one), draw(blank))


def test_every_edge_every_query_and_every_answer_is_a_new_picture():
    steps = snapshot(0).steps
    pictures = [draw(snapshot(now)) for now in range(steps + 1)]
    assert {picture.shape for picture in pictures} == {pictures[0].shape}
    assert len({picture.tobytes() for picture in pictures}) == steps + 1


def test_queries_are_highlighted_answers_coloured_and_errors_crossed():
    body = slice(50, None)  # below the title
    last = snapshot(EDGES + 8)
    assert has(draw(snapshot(EDGES))[body], PRESENT)
    assert not has(draw(snapshot(EDGES + 4))[body], ONE)
    assert has(draw(last)[body], ONE)
    assert not has(draw(last)[body], WRONG)
    assert has(draw(snapshot(EDGES + 8, wrong=[(EDGES + 5, 8)]))[body], WRONG)


def test_text_says_triples_as_numbers():
    shown = snapshot(EDGES + 6, wrong=[(EDGES + 5, 8)])
    lines = ansi(shown).splitlines()
    assert lines[1] == f"step {EDGES + 7} of {EDGES + 8}, 1 wrong of 18"
    described = [f"{a:03d}-{b:03d}>{c:03d}" for a, b, c in read(shown.inputs[:EDGES]).tolist()]
    assert " ".join(lines[2:-4]).split() == ["edges", *described]
    path = labels(shown.targets[-4:]).tolist()
    (a, b, c), (_, d, _), (_, e, _), (_, f, _) = path
    assert lines[-4] == f"query   {a:03d}-{b:03d}>...  {a:03d}-{b:03d}>{c:03d}"
    given = labels(shown.actions[-1]).tolist()
    assert lines[-3] == f"        ...-{d:03d}>...  {given[0]:03d}-{d:03d}>{given[2]:03d}  x"
    assert lines[-2:] == [f"        ...-{e:03d}>...", f"        ...-{f:03d}>..."]


@pytest.mark.parametrize("actions", ["answers", "probabilities"])
def test_environments_render_the_graph(actions):
    env = gym.make("ntm_envs/Traversal-v0", render_mode="rgb_array", actions=actions, nodes=3, path=2)
    env.reset(seed=0)
    first = env.render()
    guess = env.unwrapped.task.answers.uniform_probabilities
    env.step(guess if actions == "probabilities" else np.zeros(9, np.int64))
    assert env.render().shape == first.shape
    assert (env.render() != first).any()


def test_shapes_have_the_extent_that_they_should():
    canvas = Canvas(40, 40, (255, 255, 255))
    canvas.disc((20, 20), 10, (0, 0, 0))
    ink = 1 - canvas.pixels[:, :, 0] / 255.0
    assert ink.sum() == pytest.approx(np.pi * 10**2, rel=0.01)
    assert ink[20, 20] == 1
    assert not ink[:9].any()
    np.testing.assert_array_equal(ink, ink.T)
    canvas = Canvas(40, 40, (255, 255, 255))
    canvas.arrow((5, 20), (35, 20), 2, 8, (0, 0, 0))
    ink = 1 - canvas.pixels[:, :, 0] / 255.0
    np.testing.assert_allclose(ink, ink[::-1], atol=1e-2)
    assert ink[:, 10].sum() == pytest.approx(2, abs=0.05)  # the line
    assert ink[:, 28].sum() == pytest.approx(6.5, abs=0.3)  # the triangle, 8 wide where it begins
    assert not ink[:, 36:].any()


def test_shapes_may_leave_the_canvas():
    canvas = Canvas(10, 10, (255, 255, 255))
    canvas.line((-50, -50), (60, 60), 3, (0, 0, 0))
    canvas.disc((100, 100), 5, (0, 0, 0))
    canvas.arrow((5, 5), (5, 5), 1, 3, (0, 0, 0))  # has no direction
    canvas.text((0, 0), "42", 2, (0, 0, 0), (255, 0, 0))
    assert canvas.pixels[9, 9].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("traversal", {"path": 2}),
        ("inference", {"relation": 2, "planning": 1}),
        ("shortest_path", {"path": 2, "planning": 1}),
    ],
)
def test_the_oracle_leads_to_a_picture_without_errors_of_the_same_size_at_all_steps(name, sizes):
    env = gym.make(tasks.spec(name).env_id, render_mode="rgb_array", nodes=4, **sizes)
    observation, _ = env.reset(seed=0)
    oracle, over, pictures = env.unwrapped.task.oracle(), False, [env.render()]
    oracle.begin(1, 128, 0)
    while not over:
        observation, _, over, _, _ = env.step(oracle.act(observation[None])[0])
        pictures.append(env.render())
    assert {picture.shape for picture in pictures} == {pictures[0].shape}
    assert has(pictures[-1][50:], ONE)
    assert not has(pictures[-1][50:], WRONG)
    assert not has(pictures[0][50:], ONE)


def test_moves_on_graphs_are_drawn_and_the_wrong_one_is_crossed():
    env = gym.make("ntm_envs/ShortestPath-v0", render_mode="rgb_array", nodes=9, path=3, planning=0)
    text = gym.make("ntm_envs/ShortestPath-v0", render_mode="ansi", nodes=9, path=3, planning=0)
    env.reset(seed=0), text.reset(seed=0)
    task, over = env.unwrapped.task, False
    while not over:
        state = env.unwrapped._episode._state
        answer = task.expert(state)
        if state["moves"][0] == 1:
            bad = task._leaving(state) & ~state["closer"]
            answer = state["triples"][bad][:1]
        over = env.step(answer[0])[2]
        text.step(answer[0])
    assert has(env.render()[50:], ONE)
    assert has(env.render()[50:], WRONG)
    *_, asked, right, wrong = text.render().splitlines()
    start, _, goal = labels(state["query"])[0].tolist()
    assert asked == f"query   {start:03d}-...>{goal:03d}"
    assert right.split()[0] == f"{start:03d}-...>..."
    assert wrong.endswith("  x")
    assert not right.endswith("x")
