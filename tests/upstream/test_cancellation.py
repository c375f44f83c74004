"""Cancelling: at most once, for good, and never after a wait has been given up."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from aiproxy.errors import ClientGone, Unavailable
from aiproxy.upstream.cancellation import Cancellation
from tests.patience import SECONDS


def test_cancelling_wakes_whoever_is_attached():
    cancel, woken = Cancellation(), threading.Event()
    cancel.attach(woken.set)

    cancel.cancel()

    assert woken.is_set()
    assert cancel.cancelled


def test_nobody_is_woken_after_detaching():
    cancel, woken = Cancellation(), threading.Event()
    cancel.attach(woken.set)
    cancel.detach()

    cancel.cancel()

    assert not woken.is_set()


def test_a_wait_cannot_begin_once_cancelled():
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(ClientGone):
        cancel.attach(lambda: None)
    with pytest.raises(ClientGone):
        cancel.raise_if_cancelled()


def test_the_first_reason_is_the_one_that_counts():
    cancel = Cancellation()
    cancel.cancel(Unavailable("the server is stopping"))
    cancel.cancel(ClientGone())

    assert isinstance(cancel.reason, Unavailable)


def test_without_a_reason_the_client_has_gone():
    cancel = Cancellation()
    cancel.cancel()

    assert isinstance(cancel.reason, ClientGone)


def test_a_sleep_ends_when_cancelled():
    cancel = Cancellation()
    threading.Timer(0.05, cancel.cancel).start()
    began = time.monotonic()

    assert cancel.wait(100.0)
    assert time.monotonic() - began < SECONDS


def test_a_sleep_that_nobody_cancels_ends_by_itself():
    assert not Cancellation().wait(0.01)


def test_a_raised_reason_holds_no_frame_once_it_is_told_to_forget():
    cancel = Cancellation()
    cancel.cancel()

    class Body:
        pass

    def work() -> weakref.ref[Body]:
        body = Body()
        try:
            cancel.raise_if_cancelled()
        except ClientGone:
            return weakref.ref(body)
        raise AssertionError("it was cancelled")

    gc.disable()
    try:
        body = work()
        assert body() is not None  # what the method is for
        cancel.forget_frames()
        assert body() is None
    finally:
        gc.enable()
    assert isinstance(cancel.reason, ClientGone)
