"""ShortestPath: moves, rewards, experts, and minimal paths by a second definition."""

import numpy as np
import pytest
import slow_graphs
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import SequenceEnv, SequenceVectorEnv, capacity, playing, tasks
from ntm_envs.tasks.graph.shortest_path import ShortestPath
from ntm_envs.tasks.graph.triples import ANSWER, PHASE, digits, labels, read

KEYS = st.integers(0, 2**63 - 1)
DEGREES = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(lambda pair: (min(pair), max(pair)))


def begun(task, key, nodes, path):
    return task.begin(np.array([key]), {"nodes": np.array([nodes]), "path": np.array([path])})


def at_first_move(task, key, nodes, path):
    """Return the state when the agent may move."""
    state = begun(task, key, nodes, path)
    state["step"] = state["edges"] + 1 + task.planning
    return state


@given(KEYS, st.integers(2, 16), DEGREES, st.integers(1, 6))
def test_an_episode_is_its_second_definition(key, nodes, out_degree, path):
    state = begun(ShortestPath(out_degree=out_degree), key, nodes, path)
    graph, described, start, end = slow_graphs.shortest_path(key, nodes, path, out_degree)
    assert list(map(tuple, labels(state["triples"])[0].tolist())) == described
    assert labels(state["query"])[0, [0, 2]].tolist() == [graph.labels[start], graph.labels[end]]
    length = slow_graphs.steps_until(graph, start, end)
    assert state["length"].tolist() == [length]
    for source, target, closer in zip(*(state[name][0] for name in ("source", "end", "closer")), strict=True):
        before, after = (slow_graphs.steps_until(graph, int(node), end) for node in (source, target))
        if before is not None and before <= length:
            assert closer == (after is not None and after == before - 1)


@given(KEYS, st.integers(3, 12), st.integers(1, 5), st.integers(0, 99))
def test_every_shortest_path_is_right_and_every_other_move_ends_the_episode(key, nodes, path, seed):
    task, random = ShortestPath(planning=0, out_degree=(1, 4)), np.random.default_rng(seed)
    state = at_first_move(task, key, nodes, path)
    graph, described, start, end = slow_graphs.shortest_path(key, nodes, path, (1, 4))
    length, node = slow_graphs.steps_until(graph, start, end), graph.labels[start]
    index = {label: i for i, label in enumerate(graph.labels)}
    rewards = []
    for move in range(1, length + 1):
        edges = [triple for triple in described if triple[0] == node]
        right = [slow_graphs.steps_until(graph, index[triple[2]], end) == length - move for triple in edges]
        good = [triple for triple, leads in zip(edges, right, strict=True) if leads]
        bad = [triple for triple in edges if triple not in good]
        if bad and random.random() < 0.2:
            reward, over = task.act(state, digits(np.array([bad[0]])))
            assert (reward[0], over[0]) == (-1 / length, True)
            assert task.count_wrong(state)[0] == path - (move - 1)
            return
        chosen = good[random.integers(len(good))]
        reward, over = task.act(state, digits(np.array([chosen])))
        rewards.append(reward[0])
        assert over[0] == (move == length)
        assert labels(state["triples"])[0, state["taken"][0]].tolist() == list(chosen)
        node = chosen[2]
    assert sum(rewards) == pytest.approx(1)
    assert task.count_wrong(state)[0] == 0


def diamond():
    """Return the state of a graph by hand: two shortest paths from 100 to 400, by 200 and by 300.

    There is an edge back from 200 to 100, and one from 100 to itself by way of 500.
    """
    triples = [
        (200, 11, 400),
        (100, 12, 200),
        (300, 13, 400),
        (100, 14, 300),
        (200, 15, 100),
        (100, 16, 500),
        (500, 17, 100),
    ]
    index = {label: i for i, label in enumerate((100, 200, 300, 400, 500))}
    zero = np.zeros(1, np.int64)
    return ShortestPath(planning=2), {
        "triples": digits(np.array([triples])),
        "source": np.array([[index[source] for source, _, _ in triples]]),
        "end": np.array([[index[end] for _, _, end in triples]]),
        "closer": np.array([[True, True, True, True, False, False, False]]),
        "edges": np.array([7]),
        "query": digits(np.array([[100, 0, 400]])),
        "path": np.array([2]),
        "length": np.array([2]),
        **{name: zero.copy() for name in ("node", "moves", "taken", "step")},
    }


def play(actions):
    """Return what a player of the diamond sees from the query on, and the rewards and ends."""
    task, state = diamond()
    seen, rewards, ends = [], [], []
    for step in range(10 + len(actions)):
        observation = task.observe(state)[0]
        seen.append((*read(observation).tolist(), int(observation[PHASE]), int(observation[ANSWER])))
        action = actions[step - 10] if step >= 10 else (999, 999, 999)
        reward, over = task.act(state, digits(np.array([action])))
        rewards.append(float(reward[0]))
        ends.append(bool(over[0]))
    assert not any(rewards[:10])
    assert not any(ends[:10])
    return seen[7:], rewards[10:], ends[10:], int(task.count_wrong(state)[0])


def test_both_shortest_paths_of_the_diamond_by_hand():
    for middle, first, second in ((200, 12, 11), (300, 14, 13)):
        moves = [(100, first, middle), (middle, second, 400)]
        seen, rewards, ends, wrong = play(moves)
        assert seen == [
            (100, -1, 400, 1, 0),  # the query
            (-1, -1, -1, 1, 0),  # two steps of planning
            (-1, -1, -1, 0, 0),
            (-1, -1, -1, 1, 1),
            (*moves[0], 0, 1),
        ]
        assert (rewards, ends, wrong) == ([0.5, 0.5], [False, True], 0)


def test_a_move_off_the_shortest_paths_costs_and_ends_the_episode():
    assert play([(100, 16, 500)])[1:] == ([-0.5], [True], 2)
    assert play([(100, 12, 200), (200, 15, 100)])[1:] == ([0.5, -0.5], [False, True], 1)


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ((100, 14, 399), (100, 14, 300)),  # eight of nine digits
        ((999, 999, 300), (100, 14, 300)),
        ((200, 11, 400), (100, 12, 200)),  # leaves another node; the first described of equally good edges
        ((999, 999, 999), (100, 12, 200)),
    ],
)
def test_the_edge_that_leaves_the_node_and_agrees_the_most_is_taken(answer, taken):
    assert play([answer, (0, 0, 0)])[0][4][:3] == taken


def test_the_description_is_observed_edge_by_edge():
    task, state = diamond()
    for step in range(7):
        observation = task.observe(state)[0]
        assert read(observation).tolist() == labels(state["triples"])[0, step].tolist()
        assert (observation[PHASE], observation[ANSWER]) == (step == 0, 0)
        task.act(state, np.zeros((1, 9), np.uint8))


@pytest.mark.parametrize("planning", [0, 3])
def test_the_expert_is_right_in_every_state_that_a_learner_reaches(planning):
    task, keys, random = ShortestPath(planning=planning), np.arange(300), np.random.default_rng(0)
    state = task.begin(keys, {"nodes": keys % 8 + 5, "path": keys % 5 + 1})
    over, taught = np.zeros(300, np.bool_), 0
    while not over.all():
        guesses, moving = random.random(300) < 0.5, task.observe(state)[:, ANSWER] == 1
        answers = np.where(guesses[:, None], task.answers.uniform(random, 300), task.expert(state))
        rewards, ended = task.act(state, answers)
        assert (rewards[moving & ~guesses & ~over] > 0).all()
        taught += (moving & ~guesses & ~over & (state["moves"] > 1)).sum()
        over |= ended
    assert taught > 50  # after moves of the learner and of the expert


@pytest.mark.parametrize("rung", tasks.spec("shortest_path").rungs, ids=str)
def test_the_oracle_solves_every_rung_and_paths_have_the_wanted_length(rung):
    task, keys = tasks.get("shortest_path"), np.arange(100)
    played = playing.play(task.oracle(), task, rung, keys, capacity=capacity(task.steps(**rung)))
    assert not played.wrong.any()
    np.testing.assert_allclose(played.returns, 1)
    state = task.begin(keys, {name: np.full(100, size) for name, size in rung.items()})
    assert (state["length"] == rung["path"]).all()


def test_graphs_without_a_path_of_the_wanted_length_have_the_longest_below():
    task, keys = tasks.get("shortest_path"), np.arange(300)
    lengths = task.begin(keys, {"nodes": np.full(300, 5), "path": np.full(300, 5)})["length"]
    assert set(lengths) == {2, 3}  # two edges leave each node, so a path of four would need six nodes
    assert (lengths == 3).mean() > 0.9


@pytest.mark.parametrize("lesson", ShortestPath.lessons, ids=str)
def test_the_lessons_of_the_curriculum_can_be_played(lesson):
    task = tasks.get("shortest_path", **lesson.parameters)
    drawn = task.draw_sizes(np.arange(100), task.check_sizes(lesson.sizes, 100))
    assert (task.begin(np.arange(100), drawn)["length"] == drawn["path"]).mean() > 0.9
    assert len(ShortestPath.lessons) == 15


def test_environments_end_with_the_path_or_the_first_error():
    env = SequenceEnv("shortest_path", nodes=8, path=3, planning=1)
    many = SequenceVectorEnv("shortest_path", 1, nodes=8, path=3, planning=1, autoreset_mode="Disabled")
    for right in (True, False):
        (observation, info), (seen, infos) = (each.reset(seed=4) for each in (env, many))
        oracle = env.unwrapped.task.oracle()
        oracle.begin(1, 64, 0)
        assert info["wrong_symbols"] == 3
        total, over = 0.0, False
        while not over:
            np.testing.assert_array_equal(seen[0], observation)
            answer = oracle.act(observation[None])
            if observation[ANSWER] and not right:
                leaves = env._episode._state
                bad = env.task._leaving(leaves)[0] & ~leaves["closer"][0]
                answer = leaves["triples"][0, bad][:1] if bad.any() else answer
            observation, reward, over, _, info = env.step(answer[0])
            seen, rewards, ends, _, infos = many.step(answer)
            assert (reward, over, info["wrong_symbols"]) == (rewards[0], ends[0], infos["wrong_symbols"][0])
            total += reward
        assert not observation.any()
        assert total == pytest.approx(1) if right else total < 1
        assert (info["wrong_symbols"] == 0) == right


def test_states_that_no_moves_lead_to_are_refused_before_anything_changes():
    env = SequenceVectorEnv("shortest_path", 2, nodes=4, path=2)
    other = SequenceVectorEnv("shortest_path", 2, nodes=4, path=2)
    env.reset(seed=0)
    other.reset(seed=1)
    before, rng = other.state(), np.random.default_rng(0)
    for _ in range(60):
        env.step(env.action_space.sample() if rng.random() < 0.5 else env.task.expert(task_state(env)))
        state = env.state()
        for name in state:
            if name.startswith("task."):
                wrong = ~state[name] if state[name].dtype == bool else state[name] + 100
                with pytest.raises(ValueError, match=f"'{name.removeprefix('task.')}'"):
                    other.restore({**state, name: wrong})
        assert all(np.array_equal(before[name], other.state()[name]) for name in before)
    other.restore(state)
    assert all(np.array_equal(state[name], other.state()[name]) for name in state)


def task_state(env):
    """Return the state of the task of a vector environment."""
    return {name.removeprefix("task."): part for name, part in env.state().items() if name[:5] == "task."}
