"""The DNC's recurrence: :func:`recur` for training and :func:`infer` without gradients.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods.
"""

from ntm_agents.kernels.dnc.autograd import recur
from ntm_agents.kernels.dnc.inference import infer
from ntm_agents.kernels.dnc.interface import Inputs, Options, Result, State, Weights

__all__ = ["Inputs", "Options", "Result", "State", "Weights", "infer", "recur"]
