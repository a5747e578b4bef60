"""Second definitions of the formal languages: slow, in integers of Python, and with nothing in common.

A string is a list of the names of its tokens, which are input channels.
"""

from itertools import groupby

from slow_keyed import below, word

END = 2


def bits_of(tokens):
    return [int(token.removeprefix("bit ")) for token in tokens]


def little_endian(number, width):
    return [number // 2**place % 2 for place in range(width)]


# Strings by key and size.


def bits(key, length, start=0):
    return [f"bit {below(key, start + i, 2)}" for i in range(length)]


def cycle_navigation(key, length):
    return [("stay", "+1", "-1")[below(key, i, 3)] for i in range(length)]


def modular_arithmetic(key, operands):
    drawn = [below(key, i, 15) for i in range(2 * operands - 1)]
    return ["+-*"[each % 3] if i % 2 else str(each % 5) for i, each in enumerate(drawn)]


def stack_manipulation(key, length):
    height = 1 + below(key, 0, length - 1)
    drawn = [below(key, 1 + i, 6) for i in range(length)]
    operations = ("push 0", "push 1", "pop")
    return [f"bit {each % 2}" if i < height else operations[each % 3] for i, each in enumerate(drawn)]


def expression(key, length, operators, start=0):
    """Return a random expression, whose first token has the word ``start``."""
    if length <= 4:
        digit = below(key, start + (0, 1, 1, 2)[length - 1], 5)
        return (f"{digit}", f"-{digit}", f"({digit})", f"(-{digit})")[length - 1]
    left, operator = divmod(below(key, start, (length - 4) * len(operators)), len(operators))
    one = expression(key, left + 1, operators, start + 1)
    other = expression(key, length - 4 - left, operators, start + 3 + left)
    return f"({one}{operators[operator]}{other})"


def solve_equation(key, length):
    left = expression(key, length - 2, "+-", 1)
    places = [i for i, token in enumerate(left) if token.isdigit()]
    x = places[below(key, 0, len(places))]
    return [*left[:x], "x", *left[x + 1 :], "=", str(value(left))]


def missing_duplicate(key, half):
    twice = 2 * bits(key, half, 1)
    twice[below(key, 0, 2 * half)] = "hidden"
    return twice


def positive(key, width, start):
    """Return a number from 1 to the largest of a width, by a fraction of words of 64 binary digits."""
    count = width // 64 + 2
    digits = "".join(f"{word(key, start + i):064b}" for i in range(count))
    return 1 + (2**width - 1) * int(digits, 2) // 2 ** len(digits)


def operation(key, length, operator):
    first = 1 + below(key, 0, length - 2)
    second = length - 1 - first
    one, other = positive(key, first, 1), positive(key, second, 1 + first // 64 + 2)
    parts = [[f"bit {bit}" for bit in little_endian(*part)] for part in ((one, first), (other, second))]
    return [*parts[0], operator, *parts[1]]


def bucket_sort(key, length):
    return [str(below(key, i, 5)) for i in range(length)]


STRINGS = {
    "even_pairs": bits,
    "parity": bits,
    "cycle_navigation": cycle_navigation,
    "modular_arithmetic": modular_arithmetic,
    "stack_manipulation": stack_manipulation,
    "reverse_string": bits,
    "modular_arithmetic_brackets": lambda key, length: [*expression(key, length, "+-*")],
    "solve_equation": solve_equation,
    "duplicate_string": bits,
    "missing_duplicate": missing_duplicate,
    "odds_first": bits,
    "binary_addition": lambda key, length: operation(key, length, "+"),
    "binary_multiplication": lambda key, length: operation(key, length, "*"),
    "compute_sqrt": lambda key, length: [f"bit {bit}" for bit in f"{positive(key, length, 0):0{length}b}"],
    "bucket_sort": bucket_sort,
    "s5_words": lambda key, length: [("(0 1)", "(0 1 2 3 4)")[below(key, i, 2)] for i in range(length)],
}


# Answers to strings.


def even_pairs(tokens):
    return [(len(list(groupby(tokens))) - 1) % 2]


def final_place(tokens):
    place = 0
    for token in tokens:
        place += {"stay": 0, "+1": 1, "-1": 4}[token]
    return [place % 5]


def final_stack(tokens):
    stack = []
    for token in tokens:
        if token == "pop":
            if stack:
                stack.pop()
        else:
            stack.append(int(token[-1]))
    return [*reversed(stack), END]


def value(expression):
    """Return the value of an expression with brackets, from the innermost outwards."""
    text = "".join(expression)
    while "(" in text:
        start = text.rindex("(")
        end = text.index(")", start)
        text = f"{text[:start]}{eval(text[start + 1 : end]) % 5}{text[end + 1 :]}"
    return eval(text) % 5


def unknown(tokens):
    left, right = "".join(tokens).split("=")
    return [x for x in range(5) if value(left.replace("x", str(x))) == int(right)]


def hidden(tokens):
    half = len(tokens) // 2
    (bit,) = {pair for pair in zip(tokens[:half], tokens[half:], strict=True) if "hidden" in pair}
    return bits_of(token for token in bit if token != "hidden")


def odds_first(tokens):
    places = [*range(1, len(tokens) + 1)]
    order = [place for place in places if place % 2 == 1] + [place for place in places if place % 2 == 0]
    return bits_of(tokens[place - 1] for place in order)


def result(tokens):
    """Return the result of the operation on two little-endian numbers."""
    text = "".join(token.removeprefix("bit ") for token in reversed(tokens))  # the highest bits first
    operator = "+" if "+" in text else "*"
    one, other = (int(part, 2) for part in text.split(operator))
    number = one + other if operator == "+" else one * other
    return [*little_endian(number, number.bit_length()), END]


def root(tokens):
    number, width = int("".join(map(str, bits_of(tokens))), 2), (len(tokens) + 1) // 2
    low, high = 0, 2**width
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**2 <= number else (low, middle)
    return little_endian(low, width)[::-1]


def product(tokens):
    """Return the final places by moving all elements at once."""
    elements = [0, 1, 2, 3, 4]  # by place
    for token in tokens:
        cycle = [int(place) for place in token.strip("()").split()]
        moved = [elements[place] for place in cycle]
        for place, element in zip(cycle[1:] + cycle[:1], moved, strict=True):
            elements[place] = element
    return [[elements.index(element) for element in range(5)]]


ANSWERS = {
    "even_pairs": even_pairs,
    "parity": lambda tokens: [bits_of(tokens).count(1) % 2],
    "cycle_navigation": final_place,
    "modular_arithmetic": lambda tokens: [eval("".join(tokens)) % 5],  # Python's own precedence
    "stack_manipulation": final_stack,
    "reverse_string": lambda tokens: bits_of(reversed(tokens)),
    "modular_arithmetic_brackets": lambda tokens: [value(tokens)],
    "solve_equation": unknown,
    "duplicate_string": lambda tokens: bits_of([*tokens, *tokens]),
    "missing_duplicate": hidden,
    "odds_first": odds_first,
    "binary_addition": result,
    "binary_multiplication": result,
    "compute_sqrt": root,
    "bucket_sort": lambda tokens: [digit for digit in range(5) for token in tokens if token == str(digit)],
    "s5_words": product,
}
