import json
import pickle

import pytest
import torch
from safetensors.torch import save

from ntm_agents.training.checkpoint import (
    CheckpointError,
    check_tensors,
    load_tensors,
    save_tensors,
)
from ntm_envs.files import write_atomically

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3, dtype=torch.uint8)}


def test_tensors_and_record_come_back(tmp_path):
    save_tensors(tmp_path / "x.safetensors", TENSORS, {"loss": 0.1 + 0.2, "seen": 7})
    tensors, record = load_tensors(tmp_path / "x.safetensors")
    assert record == {"loss": 0.1 + 0.2, "seen": 7}
    for name in TENSORS:
        assert torch.equal(tensors[name], TENSORS[name])
    check_tensors(tmp_path, tensors, TENSORS)


def test_tensors_are_read_into_memory_that_matrix_products_round_alike_in(tmp_path):
    many = {f"{i}": torch.arange(float(i + 1)) for i in range(9)}
    save_tensors(tmp_path / "x.safetensors", many, {})
    tensors, _ = load_tensors(tmp_path / "x.safetensors")
    assert all(tensor.data_ptr() % 16 == 0 for tensor in tensors.values())


def test_views_that_share_memory_are_saved(tmp_path):
    base = torch.arange(4.0)
    save_tensors(tmp_path / "x.safetensors", {"a": base, "b": base[1:], "c": base.view(2, 2).t()}, {})
    tensors, _ = load_tensors(tmp_path / "x.safetensors")
    assert torch.equal(tensors["c"], base.view(2, 2).t())


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomically(path, b"old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["truncated", "pickle", "empty", "header"])
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "x.safetensors"
    save_tensors(path, TENSORS, {})
    data = path.read_bytes()
    path.write_bytes(
        {
            "truncated": data[:-3],
            "pickle": pickle.dumps({"a": [1, 2, 3]}),
            "empty": b"",
            "header": (2**62).to_bytes(8, "little") + data[8:],
        }[damage]
    )
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": TENSORS["a"]}, "lacks the tensor 'b'"),
        ({**TENSORS, "c": TENSORS["a"]}, "unknown tensor 'c'"),
        ({**TENSORS, "a": TENSORS["a"].t()}, r"\(3, 2\); expected .*\(2, 3\)"),
        ({**TENSORS, "a": TENSORS["a"].double()}, "float64"),
    ],
)
def test_tensors_of_another_model_are_refused(tmp_path, tensors, message):
    with pytest.raises(CheckpointError, match=message):
        check_tensors(tmp_path, tensors, TENSORS)


def test_the_record_is_json(tmp_path):
    save_tensors(tmp_path / "x.safetensors", TENSORS, {"n": 1})
    header = (tmp_path / "x.safetensors").read_bytes()
    length = int.from_bytes(header[:8], "little")
    assert json.loads(json.loads(header[8 : 8 + length])["__metadata__"]["record"])["n"] == 1


def test_a_file_is_a_function_of_its_content(tmp_path):
    for name in ("x", "y"):
        save_tensors(tmp_path / name, TENSORS, {"n": 1, "m": 2})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    path, record = tmp_path / "x.safetensors", {"counters": {"updates": 15, "loss": 0.1}}
    save_tensors(path, TENSORS, record)
    data, refused = path.read_bytes(), 0
    bits = range(0, 8 * len(data), 3)
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            tensors, found = load_tensors(path)
        except CheckpointError:
            refused += 1
        else:  # the name of the digest or of the record, or white space
            assert set(tensors) == set(TENSORS)
            assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
            assert found is None or found["counters"] == record["counters"]
    assert refused > 0.9 * len(bits)


def test_files_of_earlier_versions_have_no_digest(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(TENSORS, metadata={"record": '{"sequences": 3}'}))
    tensors, record = load_tensors(path)
    check_tensors(path, tensors, TENSORS)
    assert record == {"sequences": 3}
