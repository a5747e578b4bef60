import hashlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ntm_agents import NTM, ModelAgent
from ntm_agents.pretrained import HERE as PRETRAINED
from ntm_agents.protocol import build
from ntm_baselines import LSTM, Constant, Uniform
from ntm_envs import capacity, playing, tasks
from ntm_envs.answers import Bits
from ntm_envs.lookup import load
from ntm_envs.tasks import TaskSpec
from ntm_envs.tasks.classic.copy import Copy
from ntm_leaderboard.harness import ladder as evaluation
from ntm_leaderboard.harness.entrants import AGENTS, ready, references
from ntm_leaderboard.harness.ladder import evaluation_keys, play, play_ladder, rungs_of
from ntm_leaderboard.results import NO_NONCE

COMMITMENT = "ab" * 32


def played(agent, spec, commitment=COMMITMENT):
    """Play the first two rungs, 64 sequences each."""
    task = spec.make()
    others = {"oracle": task.oracle(), "constant": Constant(task), "uniform": Uniform(task)}
    rungs = rungs_of(spec, sequences=64)[:2]
    return play_ladder(agent, spec, commitment, references=others, rungs=rungs, whole=True)


def test_keys_follow_their_definition():
    keys = evaluation_keys(COMMITMENT, NO_NONCE, "ntm_envs/Copy-v0", {"length": 20}, 3)
    text = f'["ntm-envs-eval/1","{COMMITMENT}","{NO_NONCE}","ntm_envs/Copy-v0",{{"length":20}},2]'
    digest = hashlib.sha256(text.encode()).digest()
    assert keys[2] == int.from_bytes(digest[:8], "big") // 2
    assert keys.dtype == np.int64
    assert (keys >= 0).all()


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in PRETRAINED.glob("*/*/summary.json")), ids=str
)
def test_machines_that_come_trained_still_have_the_commitment_of_their_cards(folder):
    assert f"`{ready(folder.parent.name, folder.name).commitment}`" in (folder / "README.md").read_text(
        encoding="utf-8"
    )


def test_whatever_changes_changes_every_key():
    base = {"commitment": COMMITMENT, "nonce": NO_NONCE, "task_id": "a", "sizes": {"x": 1, "y": 2}}
    seen = [evaluation_keys(**base, count=50)]
    for name, value in (
        ("commitment", "cd" * 32),
        ("nonce", "1" * 64),
        ("task_id", "b"),
        ("sizes", {"x": 2, "y": 1}),
    ):
        seen.append(evaluation_keys(**{**base, name: value}, count=50))
    assert len(np.unique(np.concatenate(seen))) == 250
    again = evaluation_keys(**{**base, "sizes": {"y": 2, "x": 1}}, count=50)
    np.testing.assert_array_equal(again, seen[0])


@pytest.mark.parametrize("name", [name for name in tasks.names() if tasks.get(name).oracle()])
def test_the_references_get_their_known_returns(name):
    spec = tasks.spec(name)
    rung = played(spec.make().oracle(), spec)[0]
    assert rung.sequences == 64
    if spec.metric == "cost":
        assert 0.4 < rung.score.mean_return < 0.7
        assert rung.score.cost_in_bits == pytest.approx(127.9, abs=4 * 36 / 8)
    else:
        assert rung.score.wrong_symbols == 0
        _, most = spec.make().return_bounds({size: np.array(value) for size, value in spec.largest.items()})
        assert rung.score.mean_return == pytest.approx(float(most))
    assert rung.score == rung.references["oracle"]
    guesses = rung.references["uniform"]
    assert guesses.cost_in_bits is None
    if isinstance(spec.make(), tasks.SequenceTask):
        share, count = np.mean([1 - 1 / size for size in spec.make().answers.sizes]), rung.symbols
        assert guesses.wrong_symbols / count == pytest.approx(share, abs=4 * 0.5 / np.sqrt(count))


MODELS = {row.entry: row for row in AGENTS if row.learns}
SEQUENCES = [row for row in tasks.TABLE if isinstance(row.make(), tasks.SequenceTask)]


@pytest.mark.parametrize("entry", MODELS)
@pytest.mark.parametrize("spec", SEQUENCES, ids=lambda spec: spec.name)
def test_stepping_through_the_environment_is_grading_whole_sequences(spec, entry):
    torch.manual_seed(0)
    task, row = spec.make(), MODELS[entry]
    model = build(load(entry), task, **row.recipe(spec.name, spec.suite).model)
    agent, sizes = ModelAgent(model, task.answers), {n: min(6, most) for n, (_, most) in task.limits.items()}
    arguments = (agent, task, sizes, np.arange(9))
    bound = capacity(task.steps(**sizes))
    one, two = (playing.play(*arguments, capacity=bound, whole=whole) for whole in (False, True))
    _assert_same(one, two)
    np.testing.assert_allclose(one.costs, two.costs, rtol=1e-4)


def _assert_same(one, two):
    np.testing.assert_array_equal(one.wrong, two.wrong)
    np.testing.assert_array_equal(one.symbols, two.symbols)
    np.testing.assert_allclose(one.returns, two.returns, rtol=0, atol=1e-12)
    assert one.metrics.keys() == two.metrics.keys()
    for metric, values in one.metrics.items():
        np.testing.assert_allclose(values, two.metrics[metric], rtol=0, atol=1e-12)


@pytest.mark.parametrize("spec", SEQUENCES, ids=lambda spec: spec.name)
def test_references_have_the_same_counts_in_both_ways(spec):
    task = spec.make()
    bound = capacity(task.steps(**spec.largest))
    for agent in references(task).values():
        arguments = (agent, task, spec.largest, np.arange(40))
        one, two = (playing.play(*arguments, capacity=bound, seed=3, whole=whole) for whole in (False, True))
        _assert_same(one, two)


def test_the_grades_are_those_of_the_models_outputs():
    torch.manual_seed(0)
    spec = tasks.spec("repeat_copy")
    task, sizes, keys = spec.make(), dict(spec.largest), np.arange(20)
    model = NTM(task.input_size, task.output_size, hidden_size=10).eval()
    score, symbols = play(ModelAgent(model, task.answers), spec, sizes, keys)
    batch = task.episodes(keys, **sizes)
    with torch.no_grad():
        inputs = torch.from_numpy(batch.inputs).contiguous()
        logits, _ = model(inputs, model.initial_state(20, capacity(len(inputs))))
    wrong = (((logits > 0).numpy() != batch.targets) & batch.mask[:, :, None]).sum(axis=(0, 2))
    assert score.wrong_symbols == wrong.sum()
    assert score.all_right == (wrong == 0).sum()
    assert symbols == batch.mask.sum() * task.output_size
    targets = torch.from_numpy(batch.targets).float()
    nats = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(2)
    costs = (nats.numpy() * batch.mask).sum(axis=0) / np.log(2)
    assert score.cost_in_bits == pytest.approx(costs.mean(), rel=1e-4)
    assert score.mean_return == pytest.approx(1 - 2 * score.wrong_symbols / symbols)


def test_playing_a_few_episodes_at_a_time_changes_nothing(monkeypatch):
    torch.manual_seed(0)
    spec = tasks.spec("copy")
    task = spec.make()
    agent, keys = (
        ModelAgent(NTM(task.input_size, task.output_size, hidden_size=10), task.answers),
        np.arange(20),
    )
    together = play(agent, spec, {"length": 3}, keys)
    monkeypatch.setattr(evaluation, "SLOTS_AT_A_TIME", 7 * capacity(task.steps(length=3)))
    apart = play(agent, spec, {"length": 3}, keys)
    assert apart[0].cost_in_bits == pytest.approx(together[0].cost_in_bits)
    assert (apart[0].all_right, apart[0].wrong_symbols, apart[1]) == (
        together[0].all_right, together[0].wrong_symbols, together[1],
    )  # fmt: skip


def test_an_agent_sees_observations_alone():
    """An agent gets no other information, and at most a power of two about the length."""
    seen = []

    class Spy(Constant):
        def begin(self, *arguments):
            seen.append(arguments)

        def act(self, *arguments):
            seen.append(arguments)
            return super().act(*arguments)

    spec = tasks.spec("copy")
    play(Spy(spec.make()), spec, {"length": 20}, np.arange(4))
    assert seen[0] == (4, 64, 0)
    assert len(seen) == 1 + 41
    assert all(len(arguments) == 1 and arguments[0].shape == (4, 9) for arguments in seen[1:])


@pytest.mark.parametrize("action", [np.full((4, 8), 2), np.zeros((4, 7)), np.full((4, 8), np.nan)])
def test_impossible_actions_are_refused(action):
    spec = tasks.spec("copy")
    agent = Constant(spec.make())
    agent.act = lambda observations: action
    with pytest.raises(ValueError, match="the action"):
        play(agent, spec, {"length": 2}, np.arange(4))


def test_the_same_agent_has_the_same_scores_twice():
    spec = tasks.spec("copy")
    task = spec.make()
    model = LSTM(task.input_size, task.output_size, hidden_size=8)
    agent = ModelAgent(model, Bits(8))
    assert played(agent, spec) == played(agent, spec)
    other = played(agent, spec, commitment="cd" * 32)
    assert other[0].references["constant"] != played(agent, spec)[0].references["constant"]


def test_every_scored_bit_is_counted_where_the_key_decides_how_many():
    @dataclass(frozen=True, kw_only=True)
    class Prefix(Copy):
        """Only some of the answers count."""

        keyed_steps = True

        def fill(self, batch):
            super().fill(batch)
            for b, key in enumerate(batch.keys):
                length = int(batch.sizes["length"][b])
                batch.mask[length + 2 + int(key) % length :, b] = False

    row = TaskSpec(
        name="prefix",
        env_id="mine/Prefix-v0",
        task=Prefix,
        training={"length": (1, 4)},
        ladders={"length": ({"length": 4},)},
    )
    tasks.register(row)
    keys = np.arange(30)
    score, bits = play(Uniform(row.make()), row, {"length": 4}, keys)
    assert bits == row.make().episodes(keys, length=4).mask.sum() * 8
    assert score.wrong_symbols < bits


@pytest.mark.parametrize(("arguments", "message"), [({"up_to": 3}, "up to 3"), ({"sequences": 0}, "is 0")])
def test_nothing_to_play_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rungs_of(tasks.spec("copy"), **arguments)


def test_rungs_are_cut_and_long_ones_have_fewer_sequences():
    counts = [count for _, count in rungs_of(tasks.spec("copy"))]
    assert counts == [512, 512, 512, 512, 512, 256, 256]
    cut = rungs_of(tasks.spec("copy"), up_to=40, sequences=300)
    assert cut == [({"length": 20}, 300), ({"length": 40}, 300)]


def test_further_rungs_are_played_on_request_and_are_not_part_of_the_ladder():
    spec = tasks.spec("key_value_recall")
    assert [sizes["pairs"] for sizes, _ in rungs_of(spec)] == [32, 64, 128, 256, 512, 1024]
    assert rungs_of(spec, up_to=20_000) == [*rungs_of(spec), ({"pairs": 4096}, 32), ({"pairs": 16_384}, 32)]


class Heavy:
    """An agent with a large memory, which records how many episodes it plays side by side."""

    outputs = "answers"

    def __init__(self):
        self.seen = []

    def bytes_per_episode(self, capacity):
        return capacity * evaluation.BYTES_AT_A_TIME // (5 * 64)

    def begin(self, num_envs, capacity, seed):
        self.seen.append((num_envs, capacity))

    def act(self, observations):
        return np.zeros((len(observations), 8), np.int8)


@pytest.mark.parametrize(
    ("rows", "seen"),
    [(None, [(5, 64), (5, 64), (2, 64)]), (7, [(7, 64), (5, 64)])],
    ids=["by memory", "given"],
)
def test_no_more_episodes_are_played_side_by_side_than_memory_holds_or_is_said(rows, seen):
    agent, spec = Heavy(), tasks.spec("copy")
    rungs = rungs_of(spec, up_to=20, sequences=12)
    references = {"constant": Constant(spec.make())}
    (rung,) = play_ladder(agent, spec, COMMITMENT, references=references, rungs=rungs, rows=rows)
    assert agent.seen == seen
    assert rung.score.all_right == rung.references["constant"].all_right == 0


def test_a_model_tells_the_size_of_its_state():
    assert ModelAgent(LSTM(9, 8, hidden_size=16), Bits(8)).bytes_per_episode(64) == 2 * 16 * 4
    assert evaluation.rows_of(ModelAgent(NTM(9, 8), Bits(8)), 4096) == evaluation.SLOTS_AT_A_TIME // 4096
