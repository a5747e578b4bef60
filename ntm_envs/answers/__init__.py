"""The type of a task's answers: a vector of bits, or of symbols from larger alphabets.

An answer is a vector of O symbols; symbol j is one of k_j classes. Everything that depends on what the
symbols are stands here: dtypes, action spaces, the checks of what comes from outside, grading, costs.
:mod:`ntm_agents.readout` has the counterpart for logits, in torch.

An action is either the answer itself (mode ``answers``) or the probabilities of its symbols (mode
``probabilities``): of a bit, the probability of 1; of a symbol of k classes, k numbers that sum to 1.

Shape letters: B environments, O symbols of an answer, L logits (and probabilities) of an answer, W packed
numbers of an answer.

Example:
    >>> import numpy as np
    >>> Bits(8).space("answers"), Symbols((5,)).space("answers"), Symbols((2, 2, 5)).space("answers")
    (MultiBinary(8), Discrete(5), MultiDiscrete([2 2 5]))
    >>> Symbols((5,)).grade(np.uint8([[3]]), np.uint8([[4]]))  # a wrong symbol of five classes: -1/4
    (array([1]), array([-0.25]))
"""

from ntm_envs.answers.base import Answers, Mode
from ntm_envs.answers.bits import Bits
from ntm_envs.answers.symbols import Symbols, from_space

__all__ = ["Answers", "Bits", "Mode", "Symbols", "from_space"]
