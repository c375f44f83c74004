"""Request bodies in memory: each within its limit, all within one."""

from __future__ import annotations

import pytest

from aiproxy.errors import RequestTooLarge, Unavailable
from aiproxy.serving.bodies import BodyBudget, RequestBody


def test_a_body_is_read_as_it_was_written():
    body = RequestBody(BodyBudget(100), 100)
    body.write(b"hel")
    body.write(b"lo")
    body.rewind()

    assert body.stream.read() == b"hello"
    assert body.size == 5


def test_a_body_stays_within_its_limit():
    body = RequestBody(BodyBudget(100), 5)
    body.write(b"hello")

    with pytest.raises(RequestTooLarge):
        body.write(b"!")


def test_all_bodies_stay_within_theirs():
    budget = BodyBudget(8)
    RequestBody(budget, 100).write(b"hello")

    with pytest.raises(Unavailable) as caught:
        RequestBody(budget, 100).write(b"world")
    assert "retry-after" in caught.value.headers


def test_closing_gives_the_memory_back_once():
    budget = BodyBudget(100)
    body = RequestBody(budget, 100)
    body.write(b"hello")
    body.close()
    body.close()

    assert budget.used == 0
    assert body.stream.read() == b""
