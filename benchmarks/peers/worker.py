"""One implementation in a process of its own: `python -m benchmarks.peers.worker ENTRY CORES`.

It answers each line on stdin, a JSON object with a "command", by one line on stdout:

- setup (folder of a problem): {"ready": bool, "settings": {...}}
- check: {"loss": number}
- run (n): what `Session.run` measured
- memory: {"bytes": at most since the setup}

An exception is answered by {"error": text}. CORES are joined by commas. The process pins itself
before anything is imported, because many libraries count their cores while they load.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.peers.session import Implementation, Session

_MAX_ERROR = 500


def main(name: str, cores: str) -> None:
    """Answer commands until stdin ends."""
    os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    # Libraries that print must not come between the lines of the protocol.
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    worker = _Worker(name)
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:_MAX_ERROR]}
        answers.write(json.dumps(answer) + "\n")


class _Worker:
    def __init__(self, name: str) -> None:
        self._name = name
        self._implementation: Implementation | None = None
        self._session: Session | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        from benchmarks.machine import peak_memory

        command = request.pop("command")
        if command == "setup":
            return self._setup(**request)
        if self._session is None:
            msg = "setup has to come first"
            raise RuntimeError(msg)
        if command == "check":
            return {"loss": self._session.check()}
        if command == "memory":
            return {"bytes": peak_memory()}
        return self._session.run(**request)

    def _setup(self, folder: str) -> dict[str, Any]:
        from benchmarks.machine import reset_peak_memory
        from benchmarks.peers.problems import load_problem
        from benchmarks.peers.registry import entry
        from benchmarks.peers.session import Session

        self._session = None
        if self._implementation is None:
            found = entry(self._name)
            module = import_module(f"benchmarks.peers.{found.module}")
            self._implementation = module.make(**found.options)
        reset_peak_memory()
        problem = load_problem(Path(folder))
        if not self._implementation.can(problem.workload):
            return {"ready": False}
        self._session = Session(self._implementation, problem)
        return {"ready": True, "settings": self._implementation.settings()}


if __name__ == "__main__":
    main(*sys.argv[1:])
