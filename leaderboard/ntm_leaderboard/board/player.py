"""A player: a submitted model in a process of its own, which receives observations and nothing else.

A submission is not to be trusted: its weights may be of any size, and its source may do anything. So its
process has limits on time and memory and an environment without secrets, and keys and targets stay with the
parent. This is not a sandbox: code that must not run at all is not to be trusted with `--trust-code`.

The two sides talk through pipes: a line of JSON, behind it an array's bytes. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Mode

KEPT = ("PATH", "LANG", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "NUMBA_CACHE_DIR")
"""Variables of the environment that the process inherits."""
MESSAGE = 10_000
"""Largest number of bytes of a line of JSON, and of the quotation of an error."""


class PlayerError(Exception):
    """A failure of a submission's process, or its violation of a limit or the protocol."""


class Player:
    """An agent (see :class:`ntm_envs.Agent`) whose model lives in another process.

    Args:
        folder: A run: `config.json` and `model.safetensors`.
        output_size: Number of logits L.
        minutes: Time limit of loading and all requests together.
        gibibytes: Memory limit.

    Raises:
        ValueError: If a limit is not positive and finite.
        PlayerError: From every method, if the process fails; the message has its last words.
    """

    outputs: Mode = "probabilities"

    def __init__(self, folder: Path, output_size: int, *, minutes: float = 60, gibibytes: float = 4) -> None:
        for name, value in (("minutes", minutes), ("gibibytes", gibibytes)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}; expected more than 0")
        self._output_size = output_size
        self._left = 60 * minutes
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed by __exit__
        self._home = tempfile.TemporaryDirectory()
        limits = [str(math.ceil(60 * minutes)), str(int(gibibytes * 2**30))]
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-u", "-m", __name__, str(folder.resolve()), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self._home.name,
            env={name: os.environ[name] for name in KEPT if name in os.environ} | {"OMP_NUM_THREADS": "1"},
            start_new_session=True,  # so that what it starts ends with it
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        try:
            self._confirm()  # that it is loaded
        except PlayerError:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Player:
        """Return itself; leaving ends the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, and those that it has started."""
        self._kill()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()
        self._home.cleanup()

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Start new episodes; see :class:`ntm_envs.Agent`."""
        self._ask({"begin": [num_envs, capacity, seed]})

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[B, L]`` for observations ``[B, I]``; see :class:`ntm_envs.Agent`."""
        actions: NDArray[Any] = self.act_on_sequences(observations[None])[0]
        return actions

    def act_on_sequences(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[T, B, L]`` for observations ``[T, B, I]``."""
        rows = np.ascontiguousarray(inputs, np.float32)
        shape = (*rows.shape[:2], self._output_size)
        self._ask({"act": rows.shape}, rows.tobytes())
        return np.frombuffer(self._receive(4 * math.prod(shape)), np.float32).reshape(shape)

    def untrained(self) -> Player:
        """Play with the initial weights from now on; return itself."""
        self._ask({"untrain": True})
        return self

    def counts(self, capacity: int) -> tuple[int, int]:
        """Return how many parameters the model has, and how many numbers its state for one sequence."""
        self._ask({"count": capacity})
        parameters, state = np.frombuffer(self._receive(16), np.int64).tolist()
        return parameters, state

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> None:
        """Send a request, and wait until it is answered."""
        pipe, message = self._process.stdin, memoryview(json.dumps(request).encode() + b"\n" + data)
        assert pipe is not None
        while message:
            self._wait(writing=pipe)
            try:
                message = message[os.write(pipe.fileno(), message) :]
            except OSError:
                self._fail("ended")
        self._confirm()

    def _confirm(self) -> None:
        """Wait for ``ok``."""
        if self._receive(3) != b"ok\n":
            self._fail("answered out of turn")

    def _receive(self, count: int) -> bytes:
        """Return the next bytes of the process's output."""
        pipe, parts = self._process.stdout, bytearray()
        assert pipe is not None
        while len(parts) < count:
            self._wait(reading=pipe)
            part = os.read(pipe.fileno(), count - len(parts))
            if not part:
                self._fail("ended")
            parts += part
        return bytes(parts)

    def _wait(self, *, reading: IO[bytes] | None = None, writing: IO[bytes] | None = None) -> None:
        """Wait until a pipe is ready, on the time of the process."""
        started, left = time.monotonic(), max(self._left, 0)
        ready = select.select([reading] if reading else [], [writing] if writing else [], [], left)
        self._left -= time.monotonic() - started
        if not any(ready):
            self._fail("took too long")

    def _kill(self) -> int:
        """End the process and all that it has started; return its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def _fail(self, what: str) -> NoReturn:
        if what == "ended":
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)  # it may still print its last words
        code = self._kill()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - MESSAGE))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1]}" if lines else ""
        raise PlayerError(f"the process of the submission {what}, exit code {code}{last}")


def main(folder: Path, seconds: int, memory: int) -> None:
    """Load a run and answer requests until the input ends."""
    import resource  # of Unix alone

    from ntm_agents import ModelAgent, load_run
    from ntm_leaderboard.harness.entrants import counts_of, untrained

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the model must not look like an answer
    model, run = load_run(folder)
    agent = ModelAgent(model, run.task_spec().make().answers)
    answers.write(b"ok\n")
    answers.flush()
    while line := requests.readline(MESSAGE):
        request = json.loads(line)
        if "begin" in request:
            agent.begin(*request["begin"])
        if "untrain" in request:
            agent = untrained(run)
        if "count" in request:
            answers.write(b"ok\n" + np.array(counts_of(model, request["count"]), np.int64).tobytes())
        elif "act" in request:
            shape = request["act"]
            observations = np.frombuffer(_exactly(requests, 4 * math.prod(shape)), np.float32).reshape(shape)
            actions = np.asarray(agent.act_on_sequences(observations), np.float32)
            answers.write(b"ok\n" + actions.tobytes())
        else:
            answers.write(b"ok\n")
        answers.flush()


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError(f"{len(data)} bytes came; expected {count}")
    return data


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
