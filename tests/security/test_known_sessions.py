"""Sessions in memory: whose, for as many as there is room."""

from __future__ import annotations

from aiproxy.security.known_sessions import KnownSessions


def test_a_session_is_known_from_its_use_on():
    known = KnownSessions([("early", 1)])
    known.add("new", 2)

    assert [known.find_owner(d) for d in ("early", "new", "other")] == [1, 2, None]


def test_beyond_the_room_the_one_not_used_for_longest_is_forgotten():
    known = KnownSessions([("a", 1), ("b", 2), ("c", 3)], max_sessions=3)
    known.add("a", 1)
    known.add("d", 4)

    assert [known.find_owner(d) for d in "abcd"] == [1, None, 3, 4]


def test_its_repr_tells_no_digest():
    assert "0123digest" not in repr(KnownSessions([("0123digest", 1)]))
