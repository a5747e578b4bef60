"""Inference: relations, queries and planning, compared with a second definition."""

import numpy as np
import pytest
import slow_graphs
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import tasks
from ntm_envs.tasks.graph.inference import Inference
from ntm_envs.tasks.graph.relations import relations
from ntm_envs.tasks.graph.triples import ANSWER, PHASE, labels, read

KEYS = st.integers(0, 2**63 - 1)
DEGREES = st.tuples(st.integers(2, 5), st.integers(2, 5)).map(lambda pair: (min(pair), max(pair)))


def parts(batch, planning, b=0):
    """Return the triples of the description, the three queries, and their answers."""
    inputs = batch.inputs[: batch.steps[b], b]
    shown = [tuple(triple) for triple in read(inputs).tolist()]
    described = len(shown) - 3 * (2 + planning)
    queries = shown[described :: 2 + planning]
    answers = [tuple(triple) for triple in labels(batch.targets[batch.mask[:, b], b]).tolist()]
    return shown[:described], queries, answers


def test_relations_are_edges_and_400_different_sequences_of_two_to_five_edges():
    sequences = [tuple(label for label in row if label >= 0) for row in relations().tolist()]
    assert len(set(sequences)) == 410
    assert sequences[:10] == [(label,) for label in range(10)]
    assert [len(sequence) for sequence in sequences[10:]] == [2] * 100 + [3] * 100 + [4] * 100 + [5] * 100
    assert all(0 <= label < 10 for sequence in sequences for label in sequence)
    assert sequences == list(map(tuple, slow_graphs.relations()))
    assert sequences[10] == (2, 1)  # the same for all time


@given(KEYS, st.integers(3, 25), DEGREES, st.integers(1, 5), st.sampled_from([1, 10, 100]))
def test_inference_is_its_second_definition(key, nodes, out_degree, relation, vocabulary):
    task = Inference(out_degree=out_degree, planning=1, vocabulary=vocabulary)
    batch = task.episodes([key], nodes=nodes, relation=relation)
    described, answers = slow_graphs.inference(key, nodes, relation, out_degree, vocabulary)
    queries = [(source, edge, -1) for source, edge, _ in answers]
    assert parts(batch, 1) == (described, queries, answers)


@pytest.mark.parametrize(("nodes", "relation"), [(3, 1), (3, 5), (4, 5), (3, 2), (10, 4), (40, 5)])
def test_answers_are_where_the_edges_of_relations_lead(nodes, relation):
    batch = Inference().episodes(np.arange(200), nodes=nodes, relation=relation)
    for b in range(200):
        described, queries, answers = parts(batch, 10, b)
        ends = {(source, edge): end for source, edge, end in described}
        assert len(ends) == len(described)  # labels of edges that leave one node differ
        assert all(0 <= edge < 10 for _, edge, _ in described)
        for (source, label, _), answer in zip(queries, answers, strict=True):
            node, sequence = source, slow_graphs.relations()[label]
            assert len(sequence) == relation
            for edge in sequence:
                node = ends[node, edge]
            assert answer == (source, label, node)


@pytest.mark.parametrize("planning", [0, 1, 10])
def test_planning_is_silent_and_flags_mark_phases_and_answers(planning):
    batch = Inference(planning=planning).episodes(np.arange(50), nodes=(3, 9), relation=(2, 5))
    for b, steps in enumerate(batch.steps):
        inputs, edges = batch.inputs[:steps, b], steps - 3 * (2 + planning)
        asked = edges + np.arange(3) * (2 + planning)
        answered = asked + 1 + planning
        assert np.flatnonzero(inputs[:, ANSWER]).tolist() == answered.tolist()
        assert np.flatnonzero(batch.mask[:, b]).tolist() == answered.tolist()
        assert set(np.flatnonzero(inputs[:, PHASE])) == {0, *asked, *(asked + 1), *answered}
        triples = inputs[:, :PHASE].any(axis=1)
        assert set(np.flatnonzero(triples)) == {*range(edges), *asked}


@given(KEYS, st.integers(3, 9), st.integers(2, 5), st.integers(1, 7))
def test_the_steps_of_planning_may_ask_for_the_path(key, nodes, relation, planning):
    sizes = {"nodes": nodes, "relation": relation}
    plain, asked = (
        Inference(planning=planning, show_path=share).episodes([key], **sizes) for share in (0, 1)
    )
    described, queries, answers = parts(plain, planning)
    assert (asked.inputs == plain.inputs).all()
    targets = iter(labels(asked.targets[asked.mask]).tolist())
    ends = {(source, edge): end for source, edge, end in described}
    for (node, label, _), answer in zip(queries, answers, strict=True):
        path = []
        for edge in slow_graphs.relations()[label]:
            path.append([node, edge, ends[node, edge]])
            node = ends[node, edge]
        path += [path[-1]] * planning
        assert [next(targets) for _ in range(planning)] == path[:planning]
        assert tuple(next(targets)) == answer
    assert next(targets, None) is None


def test_a_share_of_episodes_asks_for_the_path_and_the_oracle_answers():
    task = Inference(show_path=0.25)
    batch = task.episodes(np.arange(400), nodes=5, relation=2)
    assert set(batch.mask.sum(axis=0).tolist()) == {3, 33}
    assert (batch.mask.sum(axis=0) == 33).mean() == pytest.approx(0.25, abs=0.06)
    oracle = task.oracle()
    oracle.begin(400, len(batch.mask), 0)
    found = np.stack([oracle.act(step) for step in batch.inputs])
    assert (found[batch.mask] == batch.targets[batch.mask]).all()


def test_queries_of_graphs_with_enough_room_differ():
    batch = Inference().episodes(np.arange(500), nodes=20, relation=3)
    assert np.mean([len(set(parts(batch, 10, b)[1])) == 3 for b in range(500)]) > 0.98


def test_every_relation_and_every_edge_is_asked_for():
    batch = Inference(planning=0).episodes(np.arange(3000), nodes=15, relation=(2, 5))
    asked = labels(batch.targets[batch.mask])[:, 1]
    counts = np.bincount(asked - 10, minlength=400)
    assert len(counts) == 400
    assert (abs(counts - counts.mean()) < 5.5 * np.sqrt(counts.mean())).all()


@pytest.mark.parametrize("lesson", Inference.lessons, ids=str)
def test_the_lessons_of_the_curriculum_can_be_played(lesson):
    task = tasks.get("inference", **lesson.parameters)
    assert task.episodes(np.arange(50), **lesson.sizes).mask.sum() == 150
    assert len(Inference.lessons) == 5 + 17


@pytest.mark.parametrize(
    "change",
    [{"out_degree": (1, 3)}, {"out_degree": (2, 11)}, {"planning": -1}, {"show_path": 2}, {"vocabulary": 0}],
)
def test_parameters_without_a_path_for_every_query_are_refused(change):
    with pytest.raises(ValueError, match=f"^{next(iter(change))} is"):
        tasks.get("inference", **change)
