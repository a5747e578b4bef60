"""Letters of three by five dots, in which images are labelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Each octal digit is a row, and its bits are the dots from left to right.
LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789·.,:-/<>",
        (
            *(25755, 65656, 34443, 65556, 74647, 74644, 34553, 55755, 72227, 11152, 55655, 44447, 57755),
            *(57775, 75557, 75744, 25573, 65655, 34216, 72222, 55557, 55552, 55775, 55255, 55222, 71247),
            *(25552, 26227, 61247, 61216, 55711, 74616, 34757, 71122, 75757, 75716),
            *(200, 2, 24, 2020, 700, 11244, 12421, 42124),
        ),
        strict=True,
    )
)


def dots(text: str) -> NDArray[np.bool_]:
    """Return the dots of a text, bool ``[5, 4 * letters]``. Unknown letters are blank."""
    found = np.zeros((5, 4 * len(text)), np.bool_)
    for i, letter in enumerate(text.upper()):
        for row, digit in enumerate(f"{LETTERS.get(letter, 0):05d}"):
            found[row, 4 * i : 4 * i + 3] = [int(digit) >> 2 & 1, int(digit) >> 1 & 1, int(digit) & 1]
    return found
