"""Algorithmic tasks as Gymnasium environments.

Importing this package registers `ntm_envs/Copy-v0` and the environments of all other tasks:

    >>> import gymnasium as gym
    >>> import ntm_envs
    >>> env = gym.make("ntm_envs/Copy-v0", length=(1, 20))
    >>> envs = gym.make_vec("ntm_envs/Copy-v0", num_envs=1024)

The package depends only on NumPy and Gymnasium. `ntm_envs.tasks` holds the tasks, which also generate
training batches. `ntm_envs.testing` checks custom tasks.
"""

from ntm_envs import tasks, testing
from ntm_envs.agent import Agent, capacity
from ntm_envs.env import SequenceEnv
from ntm_envs.registration import register_env
from ntm_envs.vector_env import SequenceVectorEnv

__all__ = ["Agent", "SequenceEnv", "SequenceVectorEnv", "capacity", "tasks", "testing"]

__version__ = "0.1.0"

for _row in tasks.TABLE:
    register_env(_row, _row.name)
