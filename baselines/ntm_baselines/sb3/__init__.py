"""Learning from rewards alone, with Stable-Baselines3 (the extra `baselines`).

Example:
    >>> from stable_baselines3 import PPO
    >>> env = SequenceVecEnv("ntm_envs/Copy-v0", 64, length=(1, 5))
    >>> PPO("MlpPolicy", env).learn(100_000)  # doctest: +SKIP
"""

from ntm_baselines.sb3.algorithms import A2CTrainer, PPOTrainer
from ntm_baselines.sb3.memory import MemoryPolicy, MemoryPPO
from ntm_baselines.sb3.recurrent import RecurrentPPO
from ntm_baselines.sb3.trainer import RewardTrainer
from ntm_baselines.sb3.vec_env import SequenceVecEnv, StepRewards

__all__ = [
    "A2CTrainer",
    "MemoryPPO",
    "MemoryPolicy",
    "PPOTrainer",
    "RecurrentPPO",
    "RewardTrainer",
    "SequenceVecEnv",
    "StepRewards",
]
