"""Second definitions of the suite `recall`: slow, in integers of Python, and with nothing in common."""

from slow_keyed import below, word

VALUES, ORDER, PLACES = 2**40, 2 * 2**40, 3 * 2**40


def permutation(key, count, bits):
    """Return the first numbers of the permutation of a key."""
    numbers = []
    for number in range(count):
        for i in range(12):
            number = (number * (word(key, 2 * i) | 1) + word(key, 2 * i + 1)) % 2**bits
            number ^= number >> (bits + 1) // 2
        numbers.append(number)
    return numbers


def bits_of(number, count):
    return [number >> place & 1 for place in range(count)]


def key_value_recall(key, pairs, task):
    """Return the inputs of an episode, and the targets of its queries."""
    width, queries = -(-task.bits // 64), min(pairs, task.queries)
    shown = permutation(key, pairs + task.gaps, task.key_bits)
    values = []
    for pair in range(pairs):
        whole = sum(word(key, VALUES + pair * width + i) << 64 * i for i in range(width))
        values.append(bits_of(whole, task.bits))
    order = sorted(range(pairs), key=lambda pair: (word(key, ORDER + pair) >> 1, pair))[:queries]
    positions = list(range(queries + task.gaps))
    steps = {}
    for i, pair in enumerate(order):
        at = i
        if task.gaps:
            weights = [round(2**24 * (position + 1) ** -0.99) for position in positions]
            rest = below(key, PLACES + i, sum(weights))
            while rest >= weights[0]:
                rest -= weights.pop(0)
            at = positions.pop(-len(weights))
        steps[at] = pair
    fillers = iter(shown[pairs:])
    inputs = [[*bits_of(shown[pair], task.key_bits), *values[pair], 0] for pair in range(pairs)]
    for at in range(queries + task.gaps):
        if at in steps:
            inputs.append([*bits_of(shown[steps[at]], task.key_bits), *[0] * task.bits, 1])
        else:
            inputs.append([*bits_of(next(fillers), task.key_bits), *[0] * task.bits, 0])
    return inputs, [values[steps[at]] for at in sorted(steps)]
