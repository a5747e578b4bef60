"""The random graphs of the suite `graph`, and traversal: properties, and a second definition."""

import itertools

import numpy as np
import pytest
import slow_graphs
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import tasks
from ntm_envs.tasks.graph import graphs
from ntm_envs.tasks.graph.traversal import Traversal
from ntm_envs.tasks.graph.triples import ANSWER, CHANNELS, PHASE, digits, labels, read, write

KEYS = st.integers(0, 2**63 - 1)
DEGREES = st.tuples(st.integers(1, 6), st.integers(1, 6)).map(lambda pair: (min(pair), max(pair)))


def drawn(key, nodes, out_degree):
    """Return one graph as (source, label, end) by indices of nodes, in the order of the description."""
    keys = np.array([key])
    graph = graphs.draw(keys, np.array([nodes]), out_degree)
    edge_labels = graphs.draw_edge_labels(keys, graph, out_degree)
    order = graphs.shuffled_edges(keys, graph, out_degree)[0]
    source, slot = np.divmod(order, graph.ends.shape[2])
    edges = zip(source, edge_labels[0, source, slot], graph.ends[0, source, slot], strict=True)
    return graph, [tuple(map(int, edge)) for edge in edges]


@given(KEYS, st.integers(2, 45), DEGREES)
def test_a_graph_has_different_nodes_and_edges_to_the_nearest(key, nodes, out_degree):
    graph, edges = drawn(key, nodes, out_degree)
    node_labels, points = graph.labels[0].tolist(), graph.points[0]
    assert len(set(node_labels)) == nodes
    assert set(node_labels) <= set(range(1000))
    assert ((points >= 0) & (points < 2**24)).all()
    assert len(edges) == graph.degrees.sum()
    for node in range(nodes):
        own = [(label, end) for source, label, end in edges if source == node]
        assert min(out_degree[0], nodes - 1) <= len(own) <= min(out_degree[1], nodes - 1)
        assert len({label for label, _ in own}) == len({end for _, end in own}) == len(own)
        away = ((points - points[node]) ** 2).sum(axis=1)
        ends = [end for _, end in own]
        others = [other for other in range(nodes) if other not in (node, *ends)]
        assert node not in ends
        assert max(away[ends]) <= min(away[others], default=np.inf)


@given(KEYS, st.integers(2, 30), DEGREES, st.integers(1, 12))
def test_traversal_is_its_second_definition(key, nodes, out_degree, path):
    batch = Traversal(out_degree=out_degree).episodes([key], nodes=nodes, path=path)
    shown, walked = slow_graphs.traversal(key, nodes, path, out_degree)
    assert batch.steps.tolist() == [len(shown)]
    triples, inputs = read(batch.inputs[:, 0]).tolist(), batch.inputs[:, 0]
    assert list(zip(map(tuple, triples), inputs[:, PHASE], inputs[:, ANSWER], strict=True)) == shown
    assert labels(batch.targets[-path:, 0]).tolist() == list(map(list, walked))
    np.testing.assert_array_equal(batch.mask[:, 0], inputs[:, ANSWER])


@given(KEYS, st.integers(2, 30), DEGREES, st.integers(1, 12))
def test_a_path_consists_of_described_edges_and_is_determined_by_the_query(key, nodes, out_degree, path):
    batch = Traversal(out_degree=out_degree).episodes([key], nodes=nodes, path=path)
    phases = np.flatnonzero(batch.inputs[:, 0, PHASE])
    assert np.diff(phases)[1:].tolist() == [path]
    triples = [tuple(triple) for triple in read(batch.inputs[:, 0]).tolist()]
    described, query = triples[: phases[1]], triples[phases[1] : phases[2]]
    answers = [tuple(triple) for triple in labels(batch.targets[batch.mask[:, 0], 0]).tolist()]
    assert len(described) == len(set(described))
    assert {(source, edge) for source, edge, _ in described} >= {triple[:2] for triple in answers}
    assert set(answers) <= set(described)
    assert query[0] == (*answers[0][:2], -1)
    assert query[1:] == [(-1, edge, -1) for _, edge, _ in answers[1:]]
    assert all(one[2] == other[0] for one, other in itertools.pairwise(answers))


@given(st.lists(st.tuples(*[st.integers(-1, 999)] * 3), min_size=1, max_size=9))
def test_triples_are_read_as_they_were_written(triples):
    inputs = np.zeros((len(triples), CHANNELS + 2), np.float32)
    write(inputs, np.array(triples))
    assert read(inputs).tolist() == list(map(list, triples))
    assert inputs.sum() == 3 * (np.array(triples) >= 0).sum()
    whole = np.maximum(triples, 0)
    np.testing.assert_array_equal(labels(digits(whole)), whole)


def uniform(counts):
    """Return whether classes are equally frequent within five standard errors."""
    expected = counts.sum() / len(counts)
    return (abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_points_degrees_and_labels_are_uniform():
    keys = np.arange(4000)
    graph = graphs.draw(keys, np.full(4000, 5), (1, 3))
    edge_labels = graphs.draw_edge_labels(keys, graph, (1, 3))
    for axis in range(2):
        assert uniform(np.bincount((graph.points[:, :, axis] * 50 // graphs.SIDE).ravel(), minlength=50))
    assert uniform(np.bincount(graph.degrees.ravel(), minlength=4)[1:])
    for node in range(5):
        assert uniform(np.bincount(graph.labels[:, node] // 20, minlength=50))
    for slot in range(3):
        assert uniform(np.bincount(edge_labels[:, 1, slot] // 20, minlength=50))
    order = graphs.shuffled_edges(keys, graph, (1, 3))
    assert uniform(np.bincount(order[:, 0] // 3, minlength=5))


def test_walks_choose_among_the_edges_of_a_node_uniformly():
    """In a graph of three nodes, each has edges to both others."""
    batch = Traversal().episodes(np.arange(4000), nodes=3, path=3)
    nodes = labels(batch.targets[-3:])[:, :, [0, 2]]  # steps, episodes, source and end
    returns = nodes[0, :, 0] == nodes[1, :, 1]
    assert abs(returns.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_small_graphs_by_hand():
    """Key 5 draws three nodes, named 412, 395 and 81; each has an edge to both others."""
    batch = Traversal(out_degree=(2, 2)).episodes([5], nodes=3, path=2)
    assert set(map(tuple, read(batch.inputs[:6, 0])[:, [0, 2]].tolist())) == {
        (412, 395),
        (412, 81),
        (395, 412),
        (395, 81),
        (81, 412),
        (81, 395),
    }


def test_nodes_beyond_those_of_smaller_graphs_are_nobodys_neighbours():
    graph = graphs.draw(np.arange(50), np.where(np.arange(50) % 2, 20, 4), (2, 4))
    assert (graph.ends[::2, :4][graph.present[::2, :4]] < 4).all()
    assert not graph.degrees[::2, 4:].any()


@pytest.mark.parametrize("lesson", Traversal.lessons, ids=str)
def test_the_lessons_of_the_curriculum_can_be_played(lesson):
    task = tasks.get("traversal", **lesson.parameters)
    batch = task.episodes(np.arange(50), **lesson.sizes)
    low, high = lesson.parameters["out_degree"]
    edges = batch.steps - 2 * batch.sizes["path"]
    assert (edges >= low * batch.sizes["nodes"]).all()
    assert (edges <= high * batch.sizes["nodes"]).all()


def test_the_curriculum_is_that_of_the_paper():
    lessons = Traversal.lessons
    assert len(lessons) == 14
    assert lessons[0].sizes == {"nodes": (3, 10), "path": 1}
    assert lessons[-1].sizes == {"nodes": (10, 40), "path": (1, 20)}
    assert lessons[-1].parameters == {"out_degree": (2, 6)}


@pytest.mark.parametrize("value", [(0, 3), (4, 2), (1, 1000), [2], 3, None, (1.5, 2), (True, 2)])
def test_out_degrees_that_are_no_range_are_refused(value):
    with pytest.raises((TypeError, ValueError), match=r"^out_degree is"):
        tasks.get("traversal", out_degree=value)


def test_a_list_of_two_integers_is_a_range_of_out_degrees():
    assert tasks.get("traversal", out_degree=[1, np.int64(3)]) == tasks.get("traversal", out_degree=(1, 3))
