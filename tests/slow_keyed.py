"""A second definition of keyed random numbers, in integers of Python."""

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
DATA, FIXED = 0xE7037ED1A0B428DB, 0x9FB21C651E98DF25


def mix(word):
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
    return word ^ (word >> 31)


def word(key, index, domain=DATA):
    return mix((mix(key ^ domain) + index * GOLDEN) & MASK)


def below(key, index, bound, domain=DATA):
    return (word(key, index, domain) >> 32) * bound >> 32
