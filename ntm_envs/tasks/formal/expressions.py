"""Random expressions with brackets over the integers modulo 5.

An expression of 1 to 4 tokens is ``d``, ``-d``, ``(d)`` or ``(-d)``, where d is a digit. A longer one is
``(``, a left part, an operator, a right part and ``)``. The length of the left part is uniform among all that
leave at least one token for the right part.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Shape letters: B episodes, L tokens, P parts of expressions.
"""

from __future__ import annotations

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.tokens import Tokens
from ntm_envs.tasks.sizes import Integers

MODULUS = 5
DIGITS = ("0", "1", "2", "3", "4")
SIMPLE = 4
"""Largest number of tokens of an expression without an operator."""
OPERATIONS = {"+": np.add, "-": np.subtract, "*": np.multiply}


def expressions(
    keys: keyed.Keys, length: Integers, alphabet: tuple[str, ...], start: int = 0
) -> tuple[Tokens, Integers]:
    """Draw expressions and compute their values.

    Args:
        keys: Keys ``[B]``.
        length: Number of tokens of each expression ``[B]``.
        alphabet: The names of all tokens. Expressions have the operators that it contains.
        start: Index of the first word that is used. Each token has a word: an opening bracket draws the
            operator of its part and the length of the left part by it; a digit draws itself.

    Returns:
        Indices of the tokens in the alphabet, int8 ``[L, B]``, with -1 after the end of an expression; and
        the values ``[B]``, from 0 to 4.
    """
    code = {name: alphabet.index(name) for name in alphabet}
    operators = [name for name in OPERATIONS if name in code]
    B, longest = len(keys), int(length.max(initial=0))
    words = keyed.words(keys, keyed.DATA, longest, start)
    shown, values = np.full((B, longest), -1, np.int8), np.zeros((B, longest), np.int64)

    # All parts of all expressions are written, first the whole ones, then their left and right parts.
    row, first, size = np.arange(B), np.zeros(B, np.int64), length  # (P,)
    split = []
    while len(row):
        last, simple = first + size - 1, size <= SIMPLE
        bracketed = size > 2
        shown[row[bracketed], first[bracketed]] = code["("]
        shown[row[bracketed], last[bracketed]] = code[")"]
        _write_digits(words, shown, values, (row[simple], first[simple], size[simple]), code["-"])
        row, first, size = row[~simple], first[~simple], size[~simple]
        drawn = keyed.below(words[row, first], (size - SIMPLE) * len(operators))
        left, operator = 1 + drawn // len(operators), drawn % len(operators)
        middle = first + 1 + left
        shown[row, middle] = np.array([code[name] for name in operators])[operator]
        split.append((row, first, middle, operator))
        row, first = np.concatenate([row, row]), np.concatenate([first + 1, middle + 1])
        size = np.concatenate([left, size - 3 - left])

    # The value of each part is stored at its first token. Parts come before the whole.
    for row, first, middle, operator in reversed(split):
        one, other = values[row, first + 1], values[row, middle + 1]
        results = [OPERATIONS[name](one, other) for name in operators]
        values[row, first] = np.choose(operator, results) % MODULUS
    return shown.T, values[:, 0]


def _write_digits(
    words: keyed.Words,
    shown: Tokens,
    values: Integers,
    parts: tuple[Integers, Integers, Integers],
    minus: int,
) -> None:
    """Write the digits, the signs and the values of parts without an operator, in place.

    Args:
        words: Random words ``[B, L]``.
        shown: Tokens ``[B, L]``.
        values: Values of parts at their first tokens ``[B, L]``.
        parts: Row, first token and number of tokens of each part ``[P]``.
        minus: The class of the sign.
    """
    row, first, size = parts
    at, negative = first + size // 2, size % 2 == 0
    digits = keyed.below(words[row, at], MODULUS)
    shown[row, at] = digits
    shown[row[negative], at[negative] - 1] = minus
    values[row, first] = np.where(negative, -digits, digits) % MODULUS


def evaluate(text: str) -> int:
    """Return the value modulo 5 of an expression.

    Example:
        >>> evaluate("((-3)*(2--1))")
        1
    """
    open_parts: list[list[int | str]] = [[]]
    for token in text:
        if token == "(":
            open_parts.append([])
        elif token == ")":
            _append(open_parts[-2], _value(open_parts.pop()))
        elif token in OPERATIONS:
            open_parts[-1].append(token)
        else:
            _append(open_parts[-1], int(token))
    return _value(open_parts[0])


def _append(part: list[int | str], value: int) -> None:
    """Append an operand to a part; a minus before it is a sign, unless it follows another operand."""
    if part and part[-1] == "-" and not (len(part) > 1 and isinstance(part[-2], int)):
        part[-1] = -value
    else:
        part.append(value)


def _value(part: list[int | str]) -> int:
    """Return the value of a part: an operand, or two with an operator between them."""
    if len(part) == 1:
        return int(part[0]) % MODULUS
    one, operator, other = part
    return int(OPERATIONS[str(operator)](one, other)) % MODULUS
