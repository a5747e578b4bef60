"""The types of the fields of records, and their bounds.

Records come from other people. A number beyond all measure, a text of megabytes or a letter that cannot be
seen would harm the page of everybody else, so each field is bounded, and a record beyond a bound is refused.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

LARGEST = 10**15
"""Largest number of a record. JavaScript represents integers up to it without rounding."""
LARGEST_TEXT = 200
"""Largest number of characters of a text."""
LARGEST_OPTIONS, DEEPEST_OPTIONS = 10_000, 16
"""Largest number of values of a configuration, and its largest depth."""
AGENT = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
"""The pattern of names of agents, which are possible names of folders and cannot look like one another."""

Count = Annotated[int, Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Field(gt=0, le=LARGEST)]
Real = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name of a learner, metric, reference, size or privilege."""
Text = Annotated[str, Field(pattern=r"^[ -~]+$", max_length=LARGEST_TEXT)]
"""A line of printable ASCII characters."""


def check_agent(name: str) -> None:
    """Check that an agent may have a name.

    Raises:
        ValueError: If it may not.
    """
    if not re.fullmatch(AGENT, name, re.ASCII):
        raise ValueError(
            f"the agent's name is {name[:LARGEST_TEXT]!a}; expected at most 64 letters of a to z, digits, "
            "'_', '.' and '-', the first a letter, a digit or '_'; rename its class"
        )


def explain(error: ValidationError) -> str:
    """Return the first fault of a record, with its field and value, and how many others there are."""
    first, *others = error.errors(include_url=False)
    where, value = ".".join(map(str, first["loc"])), first["input"]
    text = f"{ascii(where)[1:-1][:LARGEST_TEXT]}: " if where else ""
    text += first["msg"].removeprefix("Value error, ")
    if isinstance(value, str | float):
        text += f", not {value[:LARGEST_TEXT] if isinstance(value, str) else value!a}"
    return f"{text} (and {len(others)} more faults)" if others else text


def _check_options(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse options that are too many, too deep or too long, and numbers that are not finite."""
    left = LARGEST_OPTIONS

    def check(part: Any, depth: int) -> None:
        nonlocal left
        left -= 1
        if left < 0 or depth > DEEPEST_OPTIONS:
            raise ValueError(
                f"it is too large; expected at most {LARGEST_OPTIONS:,} values, {DEEPEST_OPTIONS} deep"
            )
        if isinstance(part, str) and len(part) > LARGEST_TEXT:
            raise ValueError(f"it has a text of {len(part):,} characters; expected at most {LARGEST_TEXT}")
        if isinstance(part, int) and not -(2**63) <= part < 2**63:
            raise ValueError("it has an integer of more than 64 bits; expected a smaller one")
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError(f"it has {part}; expected finite numbers")
        for inner in (
            [*part, *part.values()]
            if isinstance(part, dict)
            else part
            if isinstance(part, list | tuple)
            else ()
        ):
            check(inner, depth + 1)

    check(options, 0)
    return options


Options = Annotated[dict[str, Any], AfterValidator(_check_options)]
"""A configuration, as it was written."""
