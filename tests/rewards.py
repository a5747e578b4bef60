"""Small runs that learn from rewards, and a custom model."""

import torch

from ntm_agents import Run
from ntm_baselines.learners.a2c import A2CConfig
from ntm_baselines.learners.ppo import PPOConfig

COPY = "ntm_envs/Copy-v0"
SHORT = PPOConfig(
    total_timesteps=512, num_envs=4, n_steps=16, batch_size=32, n_epochs=2, validation_sequences=4
)
A2C = A2CConfig(total_timesteps=512, num_envs=4, n_steps=16, validation_sequences=4)
CONFIGS = {"ppo": SHORT, "a2c": A2C}
ENTRIES = {
    "ppo": ("ntm_baselines:FeedForward", {"hidden_size": 4}, "ppo"),
    "stacked": ("ntm_baselines:FeedForward", {"hidden_size": 4, "frames": 3}, "ppo"),
    "a2c": ("ntm_baselines:FeedForward", {"hidden_size": 4}, "a2c"),
    "recurrent": ("ntm_baselines:Recurrent", {"hidden_size": 4}, "ppo"),
    "ntm": ("ntm_agents:NTM", {"hidden_size": 4, "memory_width": 4}, "ppo"),
    "lstm": ("ntm_baselines:LSTM", {"hidden_size": 4}, "ppo"),
}
"""Models, their options and learners."""


def reward_run(entry="ntm_baselines:LSTM", model=None, learner="ppo", *, seed=0, config=None, task="copy"):
    return Run(
        agent="mine",
        entry=entry,
        task=task,
        model={"hidden_size": 8} if model is None else model,
        learner=learner,
        train=config or CONFIGS[learner],
        seed=seed,
    )


def start(run, *args, **kwargs):
    """Return the trainer of a run."""
    return run.learner_row().start(run, *args, **kwargs)


class GRU(torch.nn.Module):
    """The README's own model."""

    def __init__(self, input_size, output_size, hidden_size=6):
        super().__init__()
        self.gru = torch.nn.GRU(input_size, hidden_size)
        self.output = torch.nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size, capacity):
        return self.output.weight.new_zeros(batch_size, self.gru.hidden_size)

    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state[None])
        return self.output(hidden), state[0]
