"""A check of JSON that comes from others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ntm_envs.files import check_plain
from ntm_leaderboard.results import LARGEST_RECORD


def check_json(path: Path) -> None:
    """Refuse a file that is not JSON, or that readers of JSON may understand in different ways.

    Raises:
        ValueError: If it has a name twice, a number that is not finite, or too many levels.
    """

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")

    def finite(number: str) -> float:
        if math.isinf(value := float(number)):
            raise ValueError(f"{number} is too large")
        return value

    def refuse(constant: str) -> None:
        raise ValueError(f"it has {constant}; expected finite numbers")

    check_plain(path, LARGEST_RECORD)
    try:
        json.loads(path.read_bytes(), object_pairs_hook=once, parse_float=finite, parse_constant=refuse)
    except RecursionError:
        raise ValueError(f"{path} has too many levels") from None
    except ValueError as error:
        raise ValueError(f"{path} is no plain JSON: {error}") from error
