"""A model, an agent and a task of a user's own, as files."""

TINY = ["--sequences", "64", "--batch-size", "16", "--validate-every", "32", "--validation-sequences", "4"]

MODEL = '''
import safetensors.torch
from torch import nn


class Mine(nn.Module):
    """A linear model."""

    def __init__(self, input_size, output_size, *, gain: float = 1.0):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)
        self.gain = gain

    def initial_state(self, batch_size, capacity):
        return self.linear.weight.new_zeros(batch_size, 1)

    def forward(self, inputs, state):
        return self.linear(inputs) * self.gain, state


class Acts:
    """An agent that was trained elsewhere."""

    outputs = "answers"

    def __init__(self, task):
        self.oracle = task.oracle()

    def begin(self, num_envs, capacity, seed):
        self.oracle.begin(num_envs, capacity, seed)

    def act(self, observations):
        return self.oracle.act(observations)


class Fails(Mine):
    """It breaks."""

    def forward(self, inputs, state):
        raise RuntimeError("broken on purpose")
'''

TASK = """
from ntm_envs.tasks import TaskSpec

SHORT = TaskSpec(
    name="short-copy",
    env_id="mine/ShortCopy-v0",
    task="ntm_envs.tasks.classic.copy:Copy",
    training={"length": (1, 3)},
    ladders={"length": ({"length": 3}, {"length": 6})},
)
"""
