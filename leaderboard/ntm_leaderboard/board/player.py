"""A player: a submitted model in a process of its own, which receives observations and nothing else.

A submission is not to be trusted: its weights may be of any size, and its source may do anything. So its
process has limits on time and memory, an environment without secrets, and a private copy of the run. Keys,
targets, nonces and scores stay with the parent, whose memory the kernel protects; when a player is left, no
process that it has started lives on. Foreign code is confined as well (:mod:`.confinement`), and without
namespaces that is no sandbox.

The two sides talk through pipes, by turns. A request is a line of JSON, ``{"begin": [num_envs, capacity]}``,
``{"bytes": capacity}``, or ``{"act": [T, B, I]}`` with an array's bytes behind it. The answer is the number
of bytes that follow, as 8 bytes, little-endian, and then these: none at first and to ``begin``, an integer of
8 bytes to ``bytes``, float32 ``[T, B, L]`` to ``act``. Any other answer, and one that was not asked for, ends
the process. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ntm_agents.training.run import WEIGHTS, read_description
from ntm_envs.answers import Mode
from ntm_leaderboard.board.confinement import obstacle
from ntm_leaderboard.board.guard import guarded
from ntm_leaderboard.board.records import digest

KEPT = ("PATH", "LANG", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "NUMBA_CACHE_DIR")
"""Variables of the environment that the process inherits."""
LAST_WORDS = 10_000
"""Number of bytes at the end of its standard error that are kept; all before is dropped."""


class PlayerError(Exception):
    """A failure of a submission's process, or its violation of a limit or the protocol."""


def check_limits(minutes: float, gibibytes: float) -> None:
    """Check the limits of a player.

    Raises:
        ValueError: If one is not positive and finite.
    """
    for name, value in (("minutes", minutes), ("gibibytes", gibibytes)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}; expected a finite number above 0")


class Player:
    """An agent (see :class:`ntm_envs.Agent`) whose model lives in another process.

    All processes that this process starts while a player lives end with it, so start none of your own.

    Args:
        folder: A run: `config.json`, `summary.json`, `model.safetensors`, and the source of a custom model.
        output_size: Number of logits L.
        minutes: Time limit of loading and all requests together.
        gibibytes: Memory limit.

    Attributes:
        files: The SHA-256 of each file that the process was given, by name.
        confined: Whether the code of the submission is confined; None if it has none of its own.

    Raises:
        ValueError: If a limit is not positive and finite.
        PlayerError: From every method, if the process fails; the message has its last words.
    """

    outputs: Mode = "probabilities"

    def __init__(self, folder: Path, output_size: int, *, minutes: float = 60, gibibytes: float = 4) -> None:
        check_limits(minutes, gibibytes)
        self._output_size = output_size
        self._left = 60 * minutes
        self._last_words = b""
        with ExitStack() as stack:
            private = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            entry = read_description(folder)["entry"].rpartition(":")[0]
            source = [Path(entry).name] if entry.endswith(".py") else []
            for name in ("config.json", "summary.json", WEIGHTS, *source):
                shutil.copyfile(folder / name, private / name)
            self.files = {path.name: digest(path) for path in sorted(private.iterdir())}
            self.confined = obstacle() is None if source else None
            mode = "confined" if self.confined else "open"
            limits = [str(math.ceil(60 * minutes)), str(int(gibibytes * 2**30)), mode]
            stack.enter_context(guarded())
            self._process = subprocess.Popen(
                [sys.executable, "-BPum", "ntm_leaderboard.board.player_process", str(private), *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=private,
                env={name: os.environ[name] for name in KEPT if name in os.environ}
                | {"OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
            stack.callback(self._end)
            self._errors = self._process.stderr
            for pipe in (self._process.stdin, self._errors):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
            self._receive(0)  # it is loaded
            self._stack = stack.pop_all()

    def __enter__(self) -> Player:
        """Return itself; leaving ends the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, and those that it has started."""
        self._stack.close()

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Start new episodes; see :class:`ntm_envs.Agent`. The seed is not sent."""
        self._send({"begin": [num_envs, capacity]})
        self._receive(0)

    def bytes_per_episode(self, capacity: int) -> int:
        """Return the size of the model's state of one episode, as the process tells it."""
        self._send({"bytes": capacity})
        return int.from_bytes(self._receive(8), "little")

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[B, L]`` for observations ``[B, I]``; see :class:`ntm_envs.Agent`."""
        actions: NDArray[Any] = self.act_on_sequences(observations[None])[0]
        return actions

    def act_on_sequences(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[T, B, L]`` for observations ``[T, B, I]``."""
        rows = np.ascontiguousarray(inputs, np.float32)
        shape = (*rows.shape[:2], self._output_size)
        self._send({"act": rows.shape}, rows.tobytes())
        return np.frombuffer(self._receive(4 * math.prod(shape)), np.float32).reshape(shape)

    def untrained(self) -> Player:
        """Play with the initial weights from now on; return itself."""
        self._send({"untrain": True})
        self._receive(0)
        return self

    def counts(self, capacity: int) -> tuple[int, int]:
        """Return how many parameters the model has, and how many numbers its state for one sequence."""
        self._send({"count": capacity})
        parameters, state = np.frombuffer(self._receive(16), np.int64).tolist()
        return parameters, state

    def _send(self, request: dict[str, Any], data: bytes = b"") -> None:
        """Send a request. Nothing may have been answered before."""
        pipe, message = self._process.stdin, memoryview(json.dumps(request).encode() + b"\n" + data)
        assert pipe is not None
        assert self._process.stdout is not None
        if select.select([self._process.stdout], [], [], 0)[0]:
            self._fail("ended" if self._process.poll() is not None else "answered without a request")
        while message:
            self._wait(writing=pipe)
            try:
                message = message[os.write(pipe.fileno(), message) :]
            except OSError:
                self._fail("ended")

    def _receive(self, count: int) -> bytes:
        """Return an answer, which has to have so many bytes."""
        size = int.from_bytes(self._read(8), "little")
        if size != count:
            self._fail(f"answered with {size} bytes, where {count} were expected,")
        return self._read(count)

    def _read(self, count: int) -> bytes:
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
        """Wait until a pipe is ready, on the time of the process; meanwhile listen to its errors."""
        end = time.monotonic() + self._left
        while self._left > 0:
            readers = [pipe for pipe in (reading, self._errors) if pipe]
            read, write, _ = select.select(readers, [writing] if writing else [], [], self._left)
            if self._errors in read:
                self._listen()
            self._left = end - time.monotonic()
            if reading in read or write:
                return
        self._fail("took too long")

    def _listen(self) -> bool:
        """Keep the end of what the process has printed; return whether it has printed something now."""
        if self._errors is None:
            return False
        try:
            part = os.read(self._errors.fileno(), 2**16)
        except BlockingIOError:
            return False
        self._last_words = (self._last_words + part)[-LAST_WORDS:]
        if not part:  # the end
            self._errors = None
        return bool(part)

    def _end(self) -> int:
        """End the process and its session, and return its exit code; the guard ends all others."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def _fail(self, what: str) -> NoReturn:
        deadline = time.monotonic() + 10
        while what == "ended" and self._process.poll() is None and time.monotonic() < deadline:
            self._listen()  # it may still print its last words
            time.sleep(0.01)
        while self._listen() and time.monotonic() < deadline:
            pass
        self._errors = None
        code = self._end()
        lines = self._last_words.decode(errors="replace").strip().splitlines()
        last = f": {lines[-1]}" if lines else ""
        raise PlayerError(f"the process of the submission {what}, exit code {code}{last}")
