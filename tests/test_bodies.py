"""What is kept of bodies: from the begin, up to a limit each and one for all."""

from __future__ import annotations

import pytest

from aiproxy import bodies as module
from aiproxy.bodies import Bodies, BodyRoom


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 10)


def kept(bodies: Bodies, part: str = "client_response", *secrets: str):
    return next(body for body in bodies.without(secrets) if body.part == part)


def test_a_body_in_pieces_is_kept_whole():
    bodies = Bodies(BodyRoom())
    for piece in (b"one", b"", b"two", b"four"):
        bodies.add("client_response", piece)

    body = kept(bodies)
    assert (body.content, body.size, body.is_cut) == (b"onetwofour", 10, False)
    assert [body.part for body in bodies.without(())] == list(module.BODY_PARTS)


def test_of_a_long_one_the_begin_is_kept_and_the_true_size():
    bodies = Bodies(BodyRoom())
    bodies.add("client_response", b"x" * 8)
    bodies.add("client_response", b"y" * 8)
    bodies.add("client_response", b"z" * 8)

    body = kept(bodies)
    assert (body.content, body.size, body.is_cut) == (b"xxxxxxxxyy", 24, True)


def test_all_share_one_room_and_what_comes_after_a_cut_is_not_kept():
    room = BodyRoom(12)
    first, second = Bodies(room), Bodies(room)
    first.put("client_request", b"x" * 8)
    second.put("client_request", b"y" * 8)
    first.close()
    second.add("client_request", b"z")

    body = kept(second, "client_request")
    assert (body.content, body.size, body.is_cut) == (b"yyyy", 9, True)
    second.close()
    assert room.used == 0


def test_a_body_in_the_place_of_another_takes_its_room():
    room = BodyRoom()
    bodies = Bodies(room)
    bodies.put("upstream_request", b"x" * 8)
    bodies.put("upstream_request", b"yyy")

    assert kept(bodies, "upstream_request").content == b"yyy"
    assert room.used == 3


def test_after_the_end_nothing_is_kept():
    room = BodyRoom()
    bodies = Bodies(room)
    bodies.close()
    bodies.add("client_response", b"late")

    assert room.used == 0


def test_secrets_are_masked_and_no_cut_leaves_the_begin_of_one(monkeypatch):
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 60)
    secret = "sk-0123456789abcdef"
    bodies = Bodies(BodyRoom())
    bodies.add("client_request", b"whole: " + secret.encode())
    bodies.add("client_response", b"x" * 50 + secret.encode() + b"y" * 50)

    whole = kept(bodies, "client_request", secret)
    assert secret.encode() not in whole.content
    assert not whole.is_cut
    cut = kept(bodies, "client_response", secret)
    assert b"sk-" not in cut.content
    assert cut.content == b"x" * 41
    assert (cut.size, cut.is_cut) == (119, True)
