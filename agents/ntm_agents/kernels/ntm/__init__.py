"""The NTM's recurrence: :func:`recur` for training and :func:`infer` without gradients.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 3.
"""

from ntm_agents.kernels.ntm.autograd import recur
from ntm_agents.kernels.ntm.inference import infer
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights

__all__ = ["Inputs", "Jumps", "Options", "Result", "State", "Weights", "infer", "recur"]
