"""The recurrence of a D-NTM: :func:`recur` for training and :func:`infer` without gradients.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), sections 2 to 4.
"""

from ntm_agents.kernels.dntm.autograd import recur
from ntm_agents.kernels.dntm.inference import infer
from ntm_agents.kernels.dntm.interface import Inputs, Options, Result, State, Weights

__all__ = ["Inputs", "Options", "Result", "State", "Weights", "infer", "recur"]
