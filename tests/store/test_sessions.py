"""Sessions: a day idle or a week in all, whichever comes first."""

import pytest

from aiproxy.store import sessions, users

DAY = 86400


@pytest.fixture
def user_id(db):
    return users.insert(db, username="ada")


def test_a_session_is_found_by_its_digest(db, user_id):
    sessions.create(db, "d", user_id=user_id, now=1000)

    assert sessions.find(db, "d", now=1001).user_id == user_id
    assert sessions.find(db, "other", now=1001) is None


def test_an_idle_session_ends_after_a_day(db, user_id):
    sessions.create(db, "d", user_id=user_id, now=0)

    assert sessions.find(db, "d", now=DAY - 1) is not None
    assert sessions.find(db, "d", now=DAY) is None


def test_use_prolongs_a_session_up_to_a_week(db, user_id):
    sessions.create(db, "d", user_id=user_id, now=0)
    for day in range(1, 7):
        sessions.touch(db, "d", day * DAY - 1)
    sessions.touch(db, "d", 7 * DAY - 10)

    assert sessions.find(db, "d", now=7 * DAY - 1) is not None
    assert sessions.find(db, "d", now=7 * DAY) is None


def test_the_last_use_never_moves_backwards(db, user_id):
    sessions.create(db, "d", user_id=user_id, now=1000)

    sessions.touch(db, "d", 500)

    assert sessions.find(db, "d", now=1001).last_seen == 1000


def test_a_renewed_session_has_a_new_id_and_its_old_age(db, user_id):
    sessions.create(db, "old", user_id=user_id, now=1000)

    sessions.renew(db, "old", "new")

    assert sessions.find(db, "old", now=1001) is None
    assert sessions.find(db, "new", now=1001).created_at == 1000


def test_logging_out_ends_one_session(db, user_id):
    sessions.create(db, "a", user_id=user_id, now=0)
    sessions.create(db, "b", user_id=user_id, now=0)

    sessions.delete(db, "a")

    assert sessions.find(db, "a", now=1) is None
    assert sessions.find(db, "b", now=1) is not None


def test_all_others_of_a_user_can_be_ended(db, user_id):
    other = users.insert(db, username="eve")
    for digest in ("a", "b"):
        sessions.create(db, digest, user_id=user_id, now=0)
    sessions.create(db, "c", user_id=other, now=0)

    sessions.delete_of_user(db, user_id, keep="a")

    left = [digest for digest in "abc" if sessions.find(db, digest, now=1)]
    assert left == ["a", "c"]


def test_the_newest_are_those_that_were_used_last(db, user_id):
    for number, digest in enumerate(("a", "b", "c")):
        sessions.create(db, digest, user_id=user_id, now=number)
    sessions.touch(db, "a", 5)

    assert sessions.newest(db, 2) == [("c", user_id), ("a", user_id)]


def test_what_has_expired_is_deleted_and_nothing_else(db, user_id):
    sessions.create(db, "idle", user_id=user_id, now=0)
    sessions.create(db, "old", user_id=user_id, now=0)
    sessions.touch(db, "old", 7 * DAY - 5)
    sessions.create(db, "fresh", user_id=user_id, now=7 * DAY - 5)

    assert sessions.delete_expired(db, 7 * DAY) == 2
    assert sessions.find(db, "fresh", now=7 * DAY) is not None


def test_the_digest_stays_out_of_repr(db, user_id):
    sessions.create(db, "0123digest", user_id=user_id, now=0)

    assert "0123digest" not in repr(sessions.find(db, "0123digest", now=1))
