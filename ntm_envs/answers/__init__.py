"""Answer types: vectors of bits, or of symbols from larger alphabets.

An answer is a vector of O symbols; symbol j is one of k_j classes. An answer type defines everything that
depends on the kind of symbols: dtype, action space, validation, grading and costs. Its counterpart for the
logits of PyTorch models is :mod:`ntm_agents.readout`.

An agent outputs either the answer itself (mode ``answers``) or the probabilities of its symbols (mode
``probabilities``). A bit takes one number, the probability of 1. A symbol of k classes takes k numbers that
sum to 1. The actions of environments have two more forms, for software that lacks `MultiBinary` spaces:
``multidiscrete`` are answers too, but the space is always `MultiDiscrete`; ``discrete`` numbers the answers.

Shape letters: B environments, O symbols per answer, L logits (or probabilities) per answer, W packed numbers
per answer.

Example:
    >>> import numpy as np
    >>> Bits(8).space("answers"), Symbols((5,)).space("answers"), Symbols((2, 2, 5)).space("answers")
    (MultiBinary(8), Discrete(5), MultiDiscrete([2 2 5]))
    >>> Symbols((5,)).grade(np.uint8([[3]]), np.uint8([[4]]))  # one wrong symbol of five classes: -1/4
    (array([1]), array([-0.25]))
"""

from ntm_envs.answers.base import Actions, Answers, Mode
from ntm_envs.answers.bits import Bits
from ntm_envs.answers.numbered import NumberedAnswers
from ntm_envs.answers.symbols import Symbols, from_space

__all__ = ["Actions", "Answers", "Bits", "Mode", "NumberedAnswers", "Symbols", "from_space"]
