"""An NTM of the first versions, one machine with an option `jump`, is read as the machine that it is now."""

import json

import pytest

from ntm_agents import ExtendedNTM, JumpNTM, NTMConfig
from ntm_agents.migrate import migrate
from ntm_agents.pretrained import HERE


def written(folder):
    return json.loads((HERE / folder / "config.json").read_text(encoding="utf-8"))


def test_one_that_does_not_jump_is_an_extended_ntm():
    record = migrate(written("ntm/priority_sort"))
    assert record["entry"] == "ntm_agents:ExtendedNTM"
    config = ExtendedNTM.Config(**record["model"])
    assert (config.followers, config.key_width, config.skip_connection) == (1, 2, True)
    assert config.hidden_size == 64


def test_one_that_jumps_knows_channels_by_name():
    record = migrate(written("ntm-jump/repeat_copy"))
    assert record["entry"] == "ntm_agents:JumpNTM"
    config = JumpNTM.Config(**record["model"])
    assert (config.signal_channels, config.counter_channels) == (("delimiter",), ("count",))
    assert (config.jump_noise, config.counter_bias, config.read_feedback) == (1.0, -0.5, False)


def test_options_that_were_not_there_yet_are_not_missed():
    record = {"entry": "ntm_agents.ntm:NTM", "model": {"units": 7}, "train": {}}
    assert migrate(record)["model"] == {"hidden_size": 7}
    assert migrate(record)["entry"] == "ntm_agents:ExtendedNTM"


@pytest.mark.parametrize(
    ("folder", "option", "value"),
    [
        ("ntm/copy", "write_mode", "interpolate"),
        ("ntm/copy", "epsilon_at", "norms"),
        ("ntm/copy", "signals", [8]),
        ("ntm/copy", "jump_noise", 0.5),
        ("ntm/copy", "jump_bias", 0.0),
        ("ntm-jump/repeat_copy", "followers", 1),
        ("ntm-jump/repeat_copy", "skip", True),
        ("ntm-jump/repeat_copy", "key_width", 2),
    ],
)
def test_options_that_no_longer_exist_are_named(folder, option, value):
    record = written(folder)
    record["model"][option] = value
    with pytest.raises(ValueError, match=f"{option}|signal_channels|skip_connection") as error:
        migrate(record)
    assert repr(value) in str(error.value)


def test_the_machines_have_the_options_of_the_one_before():
    old = migrate(written("ntm/copy"))["model"]
    later = {"erasers", "erase_limit", "strength_growth", "output_shortcut"}
    assert old.keys() == set(ExtendedNTM.Config.__dataclass_fields__) - later
    assert NTMConfig.__dataclass_fields__.keys() < old.keys()
