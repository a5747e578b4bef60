import hashlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ntm_agents import NTM, ModelAgent
from ntm_agents.pretrained import HERE as PRETRAINED
from ntm_baselines import LSTM, CoinFlips, Constant
from ntm_envs import capacity, grading, tasks
from ntm_envs.tasks import TaskSpec
from ntm_envs.tasks.copy import Copy
from ntm_leaderboard import evaluate as evaluation
from ntm_leaderboard.contestants import ready
from ntm_leaderboard.evaluate import evaluate, evaluation_keys, play, rungs_of
from ntm_leaderboard.results import NO_NONCE

COMMITMENT = "ab" * 32


def judged(agent, spec, commitment=COMMITMENT):
    """Play the first two rungs, 64 sequences each."""
    task = spec.make()
    others = {"oracle": task.oracle(), "constant": Constant(task), "coin-flips": CoinFlips(task)}
    return evaluate(agent, spec, commitment, references=others, rungs=rungs_of(spec, sequences=64)[:2])


def test_keys_are_what_the_definition_says():
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
    assert f"`{ready(folder.parent.name, folder.name).commitment}`" in (folder / "README.md").read_text()


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


@pytest.mark.parametrize("name", tasks.names())
def test_the_references_get_what_they_must(name):
    spec = tasks.spec(name)
    rung = judged(spec.make().oracle(), spec)[0]
    assert rung.sequences == 64
    if name == "ngrams":
        assert 0.4 < rung.score.mean_return < 0.7
        assert rung.score.cost_in_bits == pytest.approx(127.9, abs=4 * 36 / 8)
    else:
        assert rung.score.wrong_bits == 0
        assert rung.score.mean_return == pytest.approx(1)
    assert rung.score == rung.references["oracle"]
    flips = rung.references["coin-flips"]
    assert flips.wrong_bits / rung.bits == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(rung.bits))
    assert flips.cost_in_bits is None


@pytest.mark.parametrize("name", ["copy", "repeat_copy", "ngrams"])
def test_stepping_through_the_environment_is_grading_the_whole_sequence(name):
    torch.manual_seed(0)
    spec = tasks.spec(name)
    task, sizes = spec.make(), {**spec.largest}
    model = NTM(task.input_size, task.output_size, units=10).eval()
    keys = np.arange(20)
    score, bits = play(ModelAgent(model), spec, sizes, keys)
    batch = task.episodes(keys, **sizes)
    with torch.no_grad():
        inputs = torch.from_numpy(batch.inputs).contiguous()
        logits, _ = model(inputs, model.initial_state(20, capacity(len(inputs))))
    probabilities = logits.sigmoid().numpy()
    wrong = ((grading.to_bits(probabilities) != batch.targets) & batch.mask[:, :, None]).sum(axis=(0, 2))
    assert score.wrong_bits == wrong.sum()
    assert score.all_right == (wrong == 0).sum()
    assert bits == batch.mask.sum() * task.output_size
    costs = (grading.cost_in_bits(probabilities, batch.targets) * batch.mask).sum(axis=0)
    assert score.cost_in_bits == pytest.approx(costs.mean(), rel=1e-4)
    assert score.mean_return == pytest.approx(1 - 2 * score.wrong_bits / bits)


def test_playing_a_few_episodes_at_a_time_changes_nothing(monkeypatch):
    torch.manual_seed(0)
    spec = tasks.spec("copy")
    task = spec.make()
    agent, keys = ModelAgent(NTM(task.input_size, task.output_size, units=10)), np.arange(20)
    together = play(agent, spec, {"length": 3}, keys)
    monkeypatch.setattr(evaluation, "SLOTS_AT_A_TIME", 7 * capacity(task.steps(length=3)))
    apart = play(agent, spec, {"length": 3}, keys)
    assert apart[0].cost_in_bits == pytest.approx(together[0].cost_in_bits)
    assert (apart[0].all_right, apart[0].wrong_bits, apart[1]) == (
        together[0].all_right, together[0].wrong_bits, together[1],
    )  # fmt: skip


def test_an_agent_sees_observations_alone():
    """Whoever is judged gets no information, and at most a power of two about the length."""
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


def test_the_same_agent_is_judged_the_same_twice():
    spec = tasks.spec("copy")
    task = spec.make()
    model = LSTM(task.input_size, task.output_size, units=8)
    agent = ModelAgent(model)
    assert judged(agent, spec) == judged(agent, spec)
    other = judged(agent, spec, commitment="cd" * 32)
    assert other[0].references["constant"] != judged(agent, spec)[0].references["constant"]


def test_every_scored_bit_is_counted_where_the_key_decides_how_many():
    @dataclass(frozen=True, kw_only=True)
    class Prefix(Copy):
        """Only some of the answers count."""

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
    score, bits = play(CoinFlips(row.make()), row, {"length": 4}, keys)
    assert bits == row.make().episodes(keys, length=4).mask.sum() * 8
    assert score.wrong_bits < bits


@pytest.mark.parametrize(("arguments", "message"), [({"up_to": 3}, "up to 3"), ({"sequences": 0}, "is 0")])
def test_nothing_to_play_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rungs_of(tasks.spec("copy"), **arguments)


def test_rungs_are_cut_and_long_ones_have_fewer_sequences():
    counts = [count for _, count in rungs_of(tasks.spec("copy"))]
    assert counts == [512, 512, 512, 512, 512, 256, 256]
    cut = rungs_of(tasks.spec("copy"), up_to=40, sequences=300)
    assert cut == [({"length": 20}, 300), ({"length": 40}, 300)]
