"""Recurrent PPO in one file: Gymnasium, PyTorch, and nothing of this project but its environments.

    .venv/bin/python benchmarks/single_file_ppo.py --env-id ntm_envs/Copy-v0 --length 2
    .venv/bin/python benchmarks/single_file_ppo.py --env-id ntm_envs/NGrams-v0 --total-timesteps 20000

Start from this file to change the loop itself: the environments need nothing but `gym.make_vec`. It is for
tasks of bits; symbols need a categorical distribution in place of Bernoulli's. The policy is a GRU whose
state is reset where an episode has ended. `MemoryPPO` does the same faster, for any model and all kinds of
answers.

Sources: Schulman et al., *Proximal Policy Optimization Algorithms* (arXiv 1707.06347); a single file with
everything is CleanRL's design (Huang et al., JMLR 23, 2022).
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tyro
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from torch import Tensor, nn
from torch.distributions import Bernoulli

import ntm_envs  # noqa: F401  (registers the environments)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Train a recurrent policy from rewards alone."""

    env_id: str = "ntm_envs/Copy-v0"
    """The environment."""
    length: int | None = None
    """Length of its sequences, if it has one. Without it: the environment's own range."""
    total_timesteps: int = 400_000
    """Steps of all environments together."""
    num_envs: int = 64
    """Number of environments."""
    n_steps: int = 32
    """Steps of each environment between updates."""
    n_epochs: int = 4
    """Passes over the steps of an update."""
    minibatches: int = 4
    """Parts of an update, each with all steps of some environments, so that states follow one another."""
    learning_rate: float = 3e-3
    """Learning rate at the start; it falls to 0."""
    gamma: float = 0.0
    """Discount. Actions do not affect later steps, so none is needed."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation."""
    clip: float = 0.2
    """Range to which the ratio of probabilities is clipped."""
    ent_coef: float = 0.003
    """Weight of the entropy in the loss."""
    hidden_size: int = 64
    """Hidden size of the policy."""
    seed: int = 0
    """Seed of the episodes and of their sampling."""


class Agent(nn.Module):
    """A GRU, a probability for each bit, and a value."""

    def __init__(self, inputs: int, outputs: int, units: int) -> None:
        super().__init__()
        self.memory = nn.GRUCell(inputs, units)
        self.actor = nn.Linear(units, outputs)
        self.critic = nn.Linear(units, 1)

    def forward(
        self, observations: Tensor, starts: Tensor, state: Tensor
    ) -> tuple[Bernoulli, Tensor, Tensor]:
        """Return what to do (T, B, bits), values (T, B) and the state after the last of T steps."""
        hidden = []
        for observation, start in zip(observations, starts, strict=True):
            state = self.memory(observation, state * (1 - start[:, None]))
            hidden.append(state)
        found = torch.stack(hidden)
        return Bernoulli(logits=self.actor(found)), self.critic(found).squeeze(-1), state


def train(options: Options) -> list[float]:
    """Train, printing the mean return of the last 500 episodes now and then; return these means."""
    torch.manual_seed(options.seed)
    sizes: dict[str, Any] = {} if options.length is None else {"length": options.length}
    mode = AutoresetMode.SAME_STEP
    env = gym.make_vec(options.env_id, options.num_envs, autoreset_mode=mode, **sizes)
    env = RecordEpisodeStatistics(env)
    observation, _ = env.reset(seed=options.seed)
    inputs, outputs = observation.shape[1], env.action_space.sample().shape[1]
    agent = Agent(inputs, outputs, options.hidden_size)
    optimizer = torch.optim.Adam(agent.parameters(), options.learning_rate, eps=1e-5)

    shape = (options.n_steps, options.num_envs)
    observations, actions = torch.zeros(*shape, inputs), torch.zeros(*shape, outputs)
    starts, rewards, values, log_probs = (torch.zeros(shape) for _ in range(4))
    state = torch.zeros(options.num_envs, options.hidden_size)
    start = torch.ones(options.num_envs)
    observation = torch.from_numpy(observation).float()
    returns, means, began = deque[float](maxlen=500), [], time.monotonic()

    updates = options.total_timesteps // (options.n_steps * options.num_envs)
    for update in range(1, updates + 1):
        optimizer.param_groups[0]["lr"] = options.learning_rate * (1 - (update - 1) / updates)
        first_state = state
        with torch.no_grad():
            for t in range(options.n_steps):
                observations[t], starts[t] = observation, start
                policy, value, state = agent(observation[None], start[None], state)
                actions[t], values[t] = policy.sample()[0], value[0]
                log_probs[t] = policy.log_prob(actions[t]).sum(-1)
                found, reward, terminated, truncated, infos = env.step(actions[t].numpy().astype(np.int8))
                observation, rewards[t] = torch.from_numpy(found).float(), torch.from_numpy(reward)
                start = torch.from_numpy(terminated | truncated).float()
                if "episode" in infos:
                    returns.extend(infos["episode"]["r"][infos["_episode"]].tolist())
            next_value = agent(observation[None], start[None], state)[1][0]
            advantages, last, after = torch.zeros(shape), torch.zeros(options.num_envs), start
            for t in reversed(range(options.n_steps)):
                delta = rewards[t] + options.gamma * next_value * (1 - after) - values[t]
                last = advantages[t] = delta + options.gamma * options.gae_lambda * (1 - after) * last
                next_value, after = values[t], starts[t]
            targets = advantages + values

        for _ in range(options.n_epochs):
            for rows in torch.randperm(options.num_envs).chunk(options.minibatches):
                policy, value, _ = agent(observations[:, rows], starts[:, rows], first_state[rows])
                ratio = (policy.log_prob(actions[:, rows]).sum(-1) - log_probs[:, rows]).exp()
                advantage = advantages[:, rows]
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                clipped = ratio.clamp(1 - options.clip, 1 + options.clip)
                loss = (
                    -torch.minimum(ratio * advantage, clipped * advantage).mean()
                    + 0.5 * (value - targets[:, rows]).pow(2).mean()
                    - options.ent_coef * policy.entropy().sum(-1).mean()
                )
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()

        if returns and (update % max(updates // 10, 1) == 0):
            means.append(float(np.mean(returns)))
            steps = update * options.n_steps * options.num_envs
            speed = steps / (time.monotonic() - began)
            print(f"{steps:>9,} steps  return {means[-1]:6.3f}  {speed:,.0f} steps/s", flush=True)
    env.close()
    return means


if __name__ == "__main__":
    train(tyro.cli(Options))
