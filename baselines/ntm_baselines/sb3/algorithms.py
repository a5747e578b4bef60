"""Trainers by algorithm: Stable-Baselines3's own for its own policies, and `MemoryPPO` for other models."""

from __future__ import annotations

from typing import Any, cast

from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from ntm_baselines.learners.a2c import A2CConfig
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.policies import FeedForward, Recurrent
from ntm_baselines.sb3.memory import MemoryPolicy, MemoryPPO
from ntm_baselines.sb3.recurrent import RecurrentPPO
from ntm_baselines.sb3.trainer import RewardTrainer


class PPOTrainer(RewardTrainer[PPOConfig]):
    """A trainer of one model by proximal policy optimisation, with the memory of the model if it has one."""

    Config = PPOConfig

    def _algorithm(self, env: VecEnv, shared: dict[str, Any]) -> OnPolicyAlgorithm:
        shared |= {
            "batch_size": self.config.batch_size,
            "n_epochs": self.config.n_epochs,
            "clip_range": self.config.clip_range,
            # The deviation is almost 0 once all answers are correct: dividing by it would amplify noise.
            "normalize_advantage": False,
        }
        model = self.model
        if isinstance(model, FeedForward):
            return PPO("MlpPolicy", env, policy_kwargs=model.policy_kwargs, **shared)
        if isinstance(model, Recurrent):
            return RecurrentPPO("MlpLstmPolicy", env, policy_kwargs=model.policy_kwargs, **shared)
        policy_kwargs = {"model": model, "capacity": self.capacity}
        return MemoryPPO(cast("Any", MemoryPolicy), env, policy_kwargs=policy_kwargs, **shared)


class A2CTrainer(RewardTrainer[A2CConfig]):
    """A trainer of one model without a memory by advantage actor-critic."""

    Config = A2CConfig

    def _algorithm(self, env: VecEnv, shared: dict[str, Any]) -> OnPolicyAlgorithm:
        if not isinstance(self.model, FeedForward):
            raise ValueError(
                f"the learner is 'a2c', which has no memory; expected 'ppo' for {type(self.model).__name__}"
            )
        return A2C("MlpPolicy", env, policy_kwargs=self.model.policy_kwargs, **shared)
