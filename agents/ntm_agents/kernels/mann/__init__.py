"""The recurrence of a MANN: :func:`recur` for training and :func:`infer` without gradients.

Source: Santoro, Bartunov, Botvinick, Wierstra and Lillicrap, *Meta-Learning with Memory-Augmented Neural
Networks* (ICML 2016; arXiv 1605.06065), section 3.
"""

from ntm_agents.kernels.mann.autograd import recur
from ntm_agents.kernels.mann.inference import infer
from ntm_agents.kernels.mann.interface import Inputs, Options, Result, State, Weights

__all__ = ["Inputs", "Options", "Result", "State", "Weights", "infer", "recur"]
