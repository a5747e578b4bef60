"""Runs that learn from rewards alone: their files, and errors."""

import json
import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rewards import CONFIGS, ENTRIES, GRU, SHORT, reward_run, start
from tiny_runs import tiny_run

from ntm_agents import ModelAgent, Trainer, load_run
from ntm_agents.training import NonFiniteError
from ntm_baselines.learners.a2c import A2CConfig
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.sb3 import PPOTrainer
from ntm_envs.playing import play


@pytest.mark.parametrize(("entry", "model", "learner"), ENTRIES.values(), ids=ENTRIES)
def test_a_run_is_repeated_to_the_byte_and_leaves_what_every_run_leaves(entry, model, learner, tmp_path):
    config = replace(CONFIGS[learner], total_timesteps=256)
    weights = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        trainer = start(reward_run(entry, model, learner, config=config), folder)
        kept = trainer.train()
        weights.append((folder / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    loaded, again = load_run(folder)
    assert again.train == config
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["learner"] == learner
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, kept.state_dict()[name])
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["steps"] == 256
    assert 0 < summary["sequences"] < 256
    assert summary["parameters"] == sum(p.numel() for p in loaded.parameters())
    assert trainer.complete
    with pytest.raises(ValueError, match="is complete"):
        trainer.train()
    with pytest.raises(ValueError, match=r"another run \(seed is 0 there and 1 here\)"):
        start(reward_run(entry, model, learner, seed=1, config=config), folder)


@pytest.mark.parametrize("task", ["stack_manipulation", "tape_reverse"])
@pytest.mark.parametrize(("entry", "model", "learner"), ENTRIES.values(), ids=ENTRIES)
def test_every_algorithm_takes_symbols_and_tasks_that_react(entry, model, learner, task, tmp_path):
    config = replace(CONFIGS[learner], total_timesteps=128)
    start(reward_run(entry, model, learner, task=task, config=config), tmp_path).train()
    loaded, again = load_run(tmp_path)
    agent = ModelAgent(loaded, again.task_spec().make().answers)
    played = play(agent, again.task_spec().make(), {"length": 5}, np.arange(3), capacity=16)
    assert (played.wrong <= played.symbols).all()
    assert np.isfinite(played.returns).all()


def test_a_run_depends_on_nobodys_random_numbers_and_leaves_them_alone():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    weights, drawn = [], []
    for others in (0, 3):
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.manual_seed(5)
        trainer = start(reward_run())
        drawn.append([draw() for _ in range(3)])
        start(reward_run(seed=others))
        weights.append(trainer.train().state_dict())
        drawn[-1].append(draw())
    assert drawn[0] == drawn[1]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)
    critics = [start(reward_run(seed=seed)).algorithm.policy.critic for seed in (0, 1)]
    assert not torch.equal(critics[0][0].weight, critics[1][0].weight)


@pytest.mark.parametrize(
    "changes", [{}, {"decay_start": 1.0}, {"total_timesteps": 100}, {"total_timesteps": 64}]
)
def test_learning_rate_and_entropy_are_those_before_an_update_and_never_negative(changes):
    config, rates, entropies = replace(SHORT, **changes), [], []

    def look(_):
        rates.append(trainer.algorithm.policy.optimizer.param_groups[0]["lr"])
        entropies.append(trainer.algorithm.ent_coef)

    trainer = start(reward_run(config=config), report=look)
    trainer.train()
    assert all(0 < rate <= config.learning_rate for rate in rates)
    updates = -(-config.total_timesteps // 64)
    assert rates[-1] == pytest.approx(config.rate((updates - 1) * 64 / config.total_timesteps))
    assert entropies[-1] == pytest.approx(config.ent_coef * rates[-1] / config.learning_rate)


def test_the_weights_of_the_best_return_are_kept():
    config = replace(
        SHORT, total_timesteps=2048, validate_every=128, learning_rate=0.1, validation_sequences=16
    )
    lines = []
    trainer = start(reward_run(config=config), report=lines.append)
    trainer.train()
    returns = [line["validation_return"] for line in lines if "validation_return" in line]
    assert len(returns) > 8
    assert returns[-1] < max(returns)  # or else this shows nothing
    trainer.validate()  # of the weights that are kept
    assert lines[-1]["validation_return"] == trainer.counters.best_return == max(returns)


@pytest.mark.parametrize(("entry", "model"), [ENTRIES["stacked"][:2], ENTRIES["ntm"][:2]], ids=["ppo", "ntm"])
def test_sizes_grow_with_the_curriculum(entry, model):
    config = replace(SHORT, total_timesteps=1024, curriculum={"length": 2}, curriculum_end=0.5)
    weights = []
    for _ in range(2):
        lines, longest = [], {}

        trainer = start(reward_run(entry, model, config=config))

        def look(line, lines=lines, longest=longest, trainer=trainer):
            lines.append(line)
            present = [info["length"] for info in trainer.algorithm.env.unwrapped.reset_infos]
            longest[line["steps"]] = max(present)

        trainer._writer._report = look
        assert max(trainer.algorithm.env.get_attr("sizes")[0]["length"]) == 2
        trainer.train()
        weights.append(trainer.model.state_dict())
        assert max(value for steps, value in longest.items() if steps <= 128) <= 2 + 18 * 128 / 512
        assert max(longest.values()) > 11
        assert trainer.algorithm.env.get_attr("sizes")[0] == {"length": (1, 20)}
        returns = [line["return"] for line in lines if "return" in line]
        assert returns
        assert all(-1 <= value <= 1 for value in returns)  # of episodes, whatever each step gives
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=0)


def test_seeds_share_no_episodes():
    keys = [
        {info["episode_key"] for info in made.algorithm.env.unwrapped.reset_infos}
        for seed in (0, 1)
        if (made := start(reward_run(seed=seed))).algorithm.env.reset() is not None
    ]
    assert not keys[0] & keys[1]


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="a2c', which has no memory"):
        start(reward_run(learner="a2c"))
    for bad, message in (
        ({"task_overrides": {"length": 2}}, "task_overrides has 'length'"),
        ({"task_overrides": {"bits": 4}}, "changes the channels"),
        ({"curriculum": {"length": 30}}, "curriculum has length=30"),
        ({"sizes": {"length": (1, 21)}}, "sizes has length"),
    ):
        with pytest.raises(ValueError, match=message):
            start(reward_run(config=replace(SHORT, **bad)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_timesteps", 0),
        ("n_epochs", 0),
        ("clip_range", 0),
        ("gamma", 1.5),
        ("curriculum_end", 2),
        ("learning_rate", 0),
        ("ent_coef", -1),
        ("privileges", ("luck",)),
    ],
)
def test_impossible_values_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is "):
        PPOConfig(**{name: value})


def test_a2c_has_no_options_of_ppo():
    for name in ("batch_size", "n_epochs", "clip_range"):
        assert not hasattr(A2CConfig(), name)


def test_weights_that_are_not_finite_end_a_run():
    trainer = start(reward_run())
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="not finite"):
        trainer.train()


def test_a_run_without_a_finite_return_fails(tmp_path, monkeypatch):
    trainer = start(reward_run(), tmp_path)
    monkeypatch.setattr(
        "ntm_baselines.sb3.trainer.play",
        lambda *_, **__: SimpleNamespace(returns=np.array([np.nan]), wrong=np.array([1])),
    )
    with pytest.raises(NonFiniteError, match="no validation has a finite return"):
        trainer.train()
    assert not trainer.complete


def test_a_run_that_is_not_for_this_trainer_is_refused():
    with pytest.raises(ValueError, match=r"'supervised', whose options are no PPOConfig; .*:Trainer"):
        PPOTrainer(tiny_run())
    with pytest.raises(ValueError, match=r"'ppo', whose options are no TrainConfig; .*sb3:PPOTrainer"):
        Trainer(reward_run())
    with pytest.raises(ValueError, match="device is 'cudaa'"):
        start(reward_run(), device="cudaa")


class Named(GRU):
    """A model whose parts have names that mean something elsewhere."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.policy, self.frames = torch.nn.Linear(1, 1), 3


def test_parts_of_a_model_may_have_any_names():
    start(reward_run(f"{__name__}:Named", {})).train()
