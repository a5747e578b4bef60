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


def character(key, start):
    """Return the strokes of a character: three points (x, y) each."""
    strokes = 4 - below(key, start, 2)
    points = [38 * (below(key, start + 1 + i, 7) - 3) for i in range(24)]
    pairs = list(zip(points[::2], points[1::2], strict=True))
    return [pairs[3 * i : 3 * i + 3] for i in range(strokes)]


def glyph(strokes, key, start):
    """Return the ink of the pixels of a glyph, from 0 to 64, row by row."""

    def between(index, bound):
        return below(key, start + index, 2 * bound + 1) - bound

    sine, cosine, right, down = between(0, 64), 256 + between(1, 40), between(2, 28), between(3, 28)
    ink = [[0] * 20 for _ in range(20)]
    for i, stroke in enumerate(strokes):
        placed = []
        for j, (x, y) in enumerate(stroke):
            x, y = x + between(4 + 6 * i + 2 * j, 20), y + between(5 + 6 * i + 2 * j, 20)
            turned = (cosine * x - sine * y) // 256, (sine * x + cosine * y) // 256
            placed.append((turned[0] + right + 160, turned[1] + down + 160))
        for t in range(17):
            shares = (16 - t) ** 2, 2 * t * (16 - t), t * t
            x, y = (
                sum(share * point[axis] for share, point in zip(shares, placed, strict=True)) // 256
                for axis in (0, 1)
            )
            for row in range(20):
                for column in range(20):
                    bumps = [
                        max(0, 32 - abs(at - 8 - 16 * n)) ** 2 // 64 for at, n in ((x, column), (y, row))
                    ]
                    ink[row][column] += bumps[0] * bumps[1]
    return [min(64, spot // 4) for row in ink for spot in row]


def one_shot(key, classes, shots, labels):
    """Return the drawings and the labels of an episode."""
    count = classes * shots
    order = sorted(range(count), key=lambda i: (word(key, 2 * 2**40 + i) >> 1, i))
    names = sorted(range(labels), key=lambda i: (word(key, 2**40 + i) >> 1, i))
    strokes = [character(key, 25 * i) for i in range(classes)]
    shown = [item % classes for item in order]
    drawn = [glyph(strokes[which], key, 3 * 2**40 + 28 * step) for step, which in enumerate(shown)]
    return drawn, [names[which] for which in shown]
