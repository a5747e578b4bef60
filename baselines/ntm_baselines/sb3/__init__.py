"""Learning from rewards alone, with Stable-Baselines3 (the extra `baselines`).

from ntm_baselines.sb3 import SequenceVecEnv
from stable_baselines3 import PPO

PPO("MlpPolicy", SequenceVecEnv("ntm_envs/Copy-v0", 64, length=(1, 5))).learn(100_000)
"""

from ntm_baselines.sb3.vec_env import SequenceVecEnv

__all__ = ["SequenceVecEnv"]
