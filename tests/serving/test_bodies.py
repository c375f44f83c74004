"""Request bodies in memory: each within its limit, all within one."""

from __future__ import annotations

import pytest

from aiproxy.errors import RequestTooLarge, Unavailable
from aiproxy.serving.bodies import BodyBudget, RequestBody, too_large


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


def test_the_first_bytes_are_not_counted_however_they_come():
    budget = BodyBudget(4)
    body = RequestBody(budget, 100, uncounted=8)
    for piece in (b"hello", b" you", b"!!"):
        body.write(piece)

    assert budget.used == 3
    with pytest.raises(Unavailable):
        body.write(b"!!")
    assert body.size == 11
    RequestBody(budget, 100, uncounted=8).write(b"12345678")
    body.close()
    assert budget.used == 0


def test_the_limit_is_told_in_the_unit_that_fits():
    limits = {10: "10 bytes", 16 << 10: "16 KiB", 2 << 20: "2 MiB"}

    for limit, words in limits.items():
        assert too_large(limit).message.endswith(f"larger than {words}")


def test_closing_gives_the_memory_back_once():
    budget = BodyBudget(100)
    body = RequestBody(budget, 100)
    body.write(b"hello")
    body.close()
    body.close()

    assert budget.used == 0
    assert body.stream.read() == b""
