"""The fused kernels on several threads: the same bytes, errors that reach the caller, and forks."""

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from fused import EXTRAS, INPUTS, OPTIONS, assert_same_on_threads, pair, results, tensors
from hypothesis import example, given
from hypothesis import strategies as st

from ntm_agents import NTM, Run, TrainConfig, Trainer
from ntm_agents.kernels import gradients, threads, tiles
from ntm_agents.kernels.ntm import autograd


@pytest.fixture
def two(monkeypatch):
    """Compute on two threads, however little there is to do."""
    monkeypatch.setattr(threads, "_number", 2)
    monkeypatch.setattr(tiles, "WORK", 1)


@given(
    config=st.builds(dict.__or__, OPTIONS, EXTRAS),
    T=st.integers(1, 5),
    B=st.integers(1, 35),
    tile=st.integers(2, 16),
)
@example(config={"controller": "lstm", "hidden_size": 40, "memory_width": 9}, T=3, B=32, tile=12)
@example(config={"controller": "feedforward", "hidden_size": 40}, T=3, B=13, tile=6)
@example(
    config={"jump": True, "hidden_size": 40, "signal_channels": ["b"], "counter_channels": ["a"]},
    T=3,
    B=10,
    tile=16,
)
def test_results_and_gradients_have_the_same_bytes(config, T, B, tile):
    assert_same_on_threads(partial(results, pair(**config)[1], T, B, 8), tile)


@pytest.mark.parametrize("tile", [6, 16])
@torch.inference_mode()
def test_without_gradients_they_have_the_same_bytes(tile):
    model = NTM(INPUTS, 3, hidden_size=40, sharpening_bias=5.0)
    inputs = torch.randn(70, 30, INPUTS)

    def compute():
        logits, state = model(inputs, model.initial_state(30, 90))
        return {"logits": logits, **dict(tensors(state))}

    assert_same_on_threads(compute, tile)


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_training_has_the_same_bytes(controller):
    settings = {"sequences": 60, "batch_size": 10, "validate_every": 60, "validation_sequences": 8}
    run = Run(
        agent="ntm",
        entry="ntm_agents:NTM",
        task="copy",
        model={"controller": controller, "memory_slots": 16, "hidden_size": 80},
        train=TrainConfig(**settings, bucket_size=10),
    )

    def compute():
        trainer = Trainer(run)
        trainer.train()
        return {name: part.detach() for name, part in trainer.model.state_dict().items()}

    assert_same_on_threads(compute)


@given(sequences=st.integers(1, 70), tile=st.integers(2, 16), parts=st.integers(1, 6))
def test_parts_are_balanced_and_divide_tiles_between_groups_alone(sequences, tile, parts):
    tile = min(tile, sequences)
    dealt = tiles.deal(sequences, tile, parts)
    assert len(dealt) <= parts
    assert [part[0] for part in dealt] == [0, *(part[-1] for part in dealt[:-1])]
    assert dealt[-1][-1] == sequences
    for part in dealt:
        assert (np.diff(part) > 0).all()
        for first, end in pairwise(part):
            assert first // tile == (end - 1) // tile  # they are of one tile
            assert first % tile % tiles.GROUP == 0
        assert part[-1] - part[0] <= sequences / parts + tiles.GROUP


@pytest.mark.parametrize("columns", [1, 63, 64, 402])
def test_products_in_blocks_are_products(columns, monkeypatch):
    monkeypatch.setattr(gradients, "WORK", 1)
    monkeypatch.setattr(threads, "_number", 3)
    left = torch.randn(7, columns, dtype=torch.float64, requires_grad=True)
    right = torch.randn(7, 5, dtype=torch.float64)
    both = gradients.products((left, right), (right, left))
    for found, expected in zip(both, (left.t() @ right, right.t() @ left), strict=True):
        assert not found.requires_grad
        torch.testing.assert_close(found, expected.detach())


def test_an_error_in_a_thread_reaches_the_caller(two, monkeypatch):
    begun = threading.Barrier(2)

    def fail(*arguments):
        begun.wait(60)
        if threading.current_thread() is not threading.main_thread():
            raise ArithmeticError("in a thread")

    monkeypatch.setattr(autograd, "forward", fail)
    model = NTM(INPUTS, 3)
    with pytest.raises(ArithmeticError, match="in a thread"):
        model(torch.zeros(2, 8, INPUTS), model.initial_state(8, 8))


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_error_waits_for_parts_that_have_begun(wrong):
    begun, failed, ended = threading.Barrier(3), threading.Event(), []

    def function(part):
        begun.wait(60)
        if part == wrong:
            failed.set()
            raise ArithmeticError
        assert failed.wait(60)
        ended.append(part)

    with pytest.raises(ArithmeticError):
        threads.run(function, range(3))
    assert sorted(ended) == sorted({0, 1, 2} - {wrong})


def test_parts_that_no_thread_has_begun_are_taken_by_the_caller():
    done, over = [], threading.Event()
    busy = threads._pool(os.getpid(), 1).submit(over.wait, 60)
    threads.run(done.append, range(2))
    over.set()
    assert busy.result()
    assert done == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_has_threads_of_its_own():
    threads.run(lambda part: None, range(2))

    def child():
        begun = threading.Barrier(2)
        threads.run(lambda part: begun.wait(60), range(2))
        os._exit(7)

    process = multiprocessing.get_context("fork").Process(target=child)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer versions of Python warn of forks
        process.start()
    process.join(90)
    process.kill()
    process.join()
    assert process.exitcode == 7


def test_there_is_at_least_one_thread():
    with pytest.raises(ValueError, match="number of threads is 0; expected at least 1"):
        threads.set_num_threads(0)
    assert threads.num_threads() == 1


THREADS_OF_PRODUCTS = """
import os
import torch
from ntm_agents.kernels import gradients, threads

torch.set_num_threads(1)
threads.set_num_threads(2)
left, right = torch.randn(4096, 256), torch.randn(4096, 64)
threads.run(lambda part: None, [0, 1])
before = len(os.listdir("/proc/self/task"))
gradients.products((left, right))
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="the threads of a process are not listed")
def test_products_start_no_threads_of_openmp_which_would_keep_cores_busy_while_they_wait():
    environment = os.environ | {"OMP_NUM_THREADS": "4"}
    command = [sys.executable, "-c", THREADS_OF_PRODUCTS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
