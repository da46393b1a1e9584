"""The driver's end of the line protocol: a worker process, started pinned, asked one at a time."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmarks.peers.registry import Entry

if TYPE_CHECKING:
    from typing_extensions import Self

_CHECKOUT = Path(__file__).resolve().parents[2]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerError(RuntimeError):
    """A worker could not do what it was asked; the message is its own."""


class WorkerProcess:
    """One implementation, waiting for commands.

    Parameters
    ----------
    entry : Entry
    cores : list of int
        Where it is pinned; it is told to use as many threads.
    log : Path
        File that takes what it writes to stderr.
    timeout : float
        Seconds until a command counts as hung.
    """

    def __init__(self, entry: Entry, cores: list[int], log: Path, timeout: float) -> None:
        self.entry = entry
        self._timeout = timeout
        threads = dict.fromkeys(_THREAD_VARIABLES, str(len(cores)))
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.peers.worker",
                    entry.name,
                    ",".join(map(str, cores)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                cwd=_CHECKOUT,
                env={**os.environ, **threads, **entry.environment},
            )
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    @property
    def _output(self) -> Any:
        return self._process.stdout

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for the answer.

        Raises
        ------
        WorkerError
            If the worker reports an error, ends or takes too long; it is gone in the latter cases.
        """
        line = json.dumps({"command": command, **arguments}) + "\n"
        try:
            self._process.stdin.write(line.encode())  # type: ignore[union-attr]
            answer: dict[str, Any] = json.loads(self._read_line())
        except OSError as error:
            msg = f"the process ended with {self._process.wait()}"
            raise WorkerError(msg) from error
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _read_line(self) -> bytes:
        deadline = time.monotonic() + self._timeout
        while b"\n" not in self._pending:
            if not self._selector.select(deadline - time.monotonic()):
                self.close()
                msg = f"no answer in {self._timeout:.0f} s"
                raise WorkerError(msg)
            piece = os.read(self._output.fileno(), 1 << 16)
            if not piece:
                msg = f"the process ended with {self._process.wait()}"
                raise WorkerError(msg)
            self._pending += piece
        line, self._pending = self._pending.split(b"\n", 1)
        return line

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._selector.close()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
