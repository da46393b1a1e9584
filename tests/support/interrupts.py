"""A fit that gets a SIGINT."""

from __future__ import annotations

import os
from typing import Any


def interrupted_fit(estimator: Any, X: Any, delay: float, **keywords: Any) -> tuple[float, Any]:
    """Fit, send SIGINT `delay` seconds after the start, and measure how long it takes to arrive."""
    import signal
    import threading
    import time

    # A shell starts what runs in its background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    handler = signal.getsignal(signal.SIGINT)
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, send)
    timer.start()
    try:
        estimator.fit(X, **keywords)
    except KeyboardInterrupt:
        latency = time.perf_counter() - sent[0]
    else:
        timer.cancel()
        message = "fit ended before it was interrupted: the test asks for too little work"
        raise AssertionError(message)
    assert signal.getsignal(signal.SIGINT) is handler
    return latency, estimator
