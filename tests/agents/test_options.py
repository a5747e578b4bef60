"""Options are checked by their declared types and bounds, and errors name what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest

from ntm_agents.options import Few, NonNegative, Positive, Within, check_options


@dataclass(frozen=True, kw_only=True)
class Config:
    size: Positive = 1
    width: Annotated[int, Within(2)] = 2
    layers: Few = 1
    noise: NonNegative = 0.0
    bias: float | tuple[float, ...] = 0.0
    slots: Positive | None = None
    flag: bool = False
    kind: Literal["one", "two"] = "one"
    names: tuple[str, ...] = ()
    pair: tuple[int, int] = (1, 2)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class Derived(Config):
    more: Positive = 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size is 0; expected an integer of at least 1"),
        ({"size": 1.0}, "size is 1.0; expected an integer of at least 1"),
        ({"size": True}, "size is True; expected an integer of at least 1"),
        ({"size": None}, "size is None; expected an integer of at least 1"),
        ({"width": 1}, "width is 1; expected an integer of at least 2"),
        ({"layers": 0}, "layers is 0; expected an integer from 1 to 1000"),
        ({"layers": 10**9}, "layers is 1000000000; expected an integer from 1 to 1000"),
        ({"noise": -0.5}, "noise is -0.5; expected a finite number of at least 0"),
        ({"noise": float("nan")}, "noise is nan; expected a finite number of at least 0"),
        ({"bias": "1"}, "bias is '1'; expected a finite number or a list of finite numbers"),
        ({"bias": [1.0, float("inf")]}, r"bias is \(1.0, inf\); expected a finite number or a list of"),
        ({"slots": 0}, "slots is 0; expected an integer of at least 1 or None"),
        ({"flag": 1}, "flag is 1; expected True or False"),
        ({"kind": "three"}, "kind is 'three'; expected one of 'one', 'two'"),
        ({"names": "ab"}, "names is 'ab'; expected a list of strings"),
        ({"names": (1,)}, r"names is \(1,\); expected a list of strings"),
        ({"pair": [1]}, r"pair is \(1,\); expected a list of 2 integers"),
        ({"ranges": [1]}, r"ranges is \(1,\); expected a mapping of names to a list of 2 integers"),
        ({"ranges": {"a": 1}}, "ranges is {'a': 1}; expected a mapping of names to a list of 2 integers"),
        ({"ranges": {3: [1, 2]}}, "ranges is {3: .*; expected a mapping of names"),
    ],
)
@pytest.mark.parametrize("config", [Config, Derived])
def test_a_wrong_value_is_named_with_what_is_expected(config, options, message):
    with pytest.raises(ValueError, match=message):
        config(**options)


def test_right_values_pass_and_lists_become_tuples():
    options = {"size": 3, "noise": 1, "bias": [1, 2.0], "slots": 2, "flag": True, "kind": "two"}
    config = Derived(**options, names=["a"], more=2)
    assert (config.bias, config.names, config.noise) == ((1, 2.0), ("a",), 1)
    nested = Config(ranges={"a": [1, 2]}, noise=np.float64(0.5))
    assert (nested.ranges, nested.noise) == ({"a": (1, 2)}, 0.5)
    with pytest.raises(ValueError, match="more is 0"):
        Derived(more=0)
