"""Ends the wait for a provider from another thread, at whatever stage it is.

The worker that talks to a provider attaches what wakes it; whoever learns that the
answer has no taker any more (the client hung up, the server stops) calls `cancel`.
"""

from __future__ import annotations

import threading
from typing import Callable

from aiproxy.errors import AIProxyError, ClientGone


class Cancellation:
    """One request's; cancelled at most once, and for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._event = threading.Event()
        self._reason: AIProxyError | None = None

    @property
    def cancelled(self) -> bool:
        return self._reason is not None

    @property
    def reason(self) -> AIProxyError | None:
        """Why: ClientGone, or Unavailable while the server stops."""
        return self._reason

    def raise_if_cancelled(self) -> None:
        if self._reason is not None:
            raise self._reason

    def attach(self, wake: Callable[[], None]) -> None:
        """From now on `cancel` calls `wake`, from its own thread; it must be quick.

        Raises the reason if it is too late for that.
        """
        with self._lock:
            self.raise_if_cancelled()
            self._wake = wake

    def detach(self) -> None:
        """After this returns, `wake` is neither running nor ever called."""
        with self._lock:
            self._wake = None

    def cancel(self, reason: AIProxyError | None = None) -> None:
        """Give the request up, because the client has gone if nothing else is said."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason or ClientGone()
            # Under the lock, so that no socket is closed, and its number given to
            # another connection, between the decision and the shutdown.
            if self._wake is not None:
                self._wake()
        self._event.set()

    def forget_frames(self) -> None:
        """Let go of the request: a raised reason holds all frames that it passed,
        and they hold this. Only a full collection would free such a ring.
        """
        if self._reason is not None:
            self._reason.__traceback__ = None
            self._reason.__context__ = self._reason.__cause__ = None

    def wait(self, seconds: float) -> bool:
        """Sleep, but not after `cancel`; true if it has been called."""
        return self._event.wait(seconds)
