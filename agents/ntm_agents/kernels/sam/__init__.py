"""The recurrence of a SAM: :func:`recur` for training and :func:`infer` without gradients.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016).
"""

from ntm_agents.kernels.sam.autograd import recur
from ntm_agents.kernels.sam.inference import infer
from ntm_agents.kernels.sam.interface import Inputs, Options, Result, State, Weights

__all__ = ["Inputs", "Options", "Result", "State", "Weights", "infer", "recur"]
