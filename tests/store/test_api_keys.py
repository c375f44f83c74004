"""Personal keys: valid until revoked or expired, and only their owner's."""

import pytest

from aiproxy.errors import Conflict, NotFound
from aiproxy.store import api_keys, users


@pytest.fixture
def user_id(db):
    return users.insert(db, username="ada")


def add(db, user_id, digest="d", **fields):
    return api_keys.insert(
        db,
        user_id=user_id,
        name="laptop",
        prefix="aip_12345678",
        digest=digest,
        **fields,
    )


def test_a_stored_key_reads_back_equal(db, user_id):
    key_id = add(db, user_id, expires_at=5000, now=1000)

    assert api_keys.get(db, key_id) == api_keys.ApiKey(
        key_id, user_id, "laptop", "aip_12345678", "d", 1000, 5000
    )


def test_the_digest_stays_out_of_repr(db, user_id):
    key_id = add(db, user_id, digest="0123digest")

    assert "0123digest" not in repr(api_keys.get(db, key_id))


def test_a_key_without_expiry_stays_valid(db, user_id):
    assert api_keys.get(db, add(db, user_id)).is_valid(1 << 40)


def test_expiry_is_judged_by_the_clock_at_use(db, user_id):
    key = api_keys.get(db, add(db, user_id, expires_at=5000))

    assert key.is_valid(4999)
    assert not key.is_valid(5000)


def test_a_revoked_key_is_invalid_for_good(db, user_id):
    key_id = add(db, user_id)

    api_keys.revoke(db, key_id, now=2000)
    api_keys.revoke(db, key_id, now=3000)

    key = api_keys.get(db, key_id)
    assert not key.is_valid(0)
    assert key.revoked_at == 2000


def test_anothers_key_is_not_found(db, user_id):
    key_id = add(db, user_id)

    with pytest.raises(NotFound):
        api_keys.get(db, key_id, user_id=user_id + 1)
    with pytest.raises(NotFound):
        api_keys.revoke(db, key_id, user_id=user_id + 1)
    assert api_keys.get(db, key_id, user_id=user_id).is_valid(0)


def test_own_keys_are_listed_newest_first(db, user_id):
    first = add(db, user_id, "a")
    second = add(db, user_id, "b")
    add(db, users.insert(db, username="eve"), "c")

    assert [key.id for key in api_keys.list_of_user(db, user_id)] == [second, first]


def test_the_last_use_never_moves_backwards(db, user_id):
    key_id = add(db, user_id)

    api_keys.touch(db, key_id, 2000)
    api_keys.touch(db, key_id, 1000)

    assert api_keys.get(db, key_id).last_used_at == 2000


def test_a_user_has_no_end_of_keys(db, user_id, monkeypatch):
    """Each costs every change, as all keys are read anew then."""
    monkeypatch.setattr(api_keys, "MAX_KEYS", 3)
    other = users.insert(db, username="eve")
    made = [add(db, user_id, digest=f"d{number}") for number in range(3)]
    with pytest.raises(Conflict):
        add(db, user_id, digest="one more")
    add(db, other, digest="another's")

    for number in range(5):
        api_keys.revoke(db, made.pop())
        made.append(add(db, user_id, digest=f"e{number}"))
    kept = api_keys.list_of_user(db, user_id)
    assert [key.digest for key in kept if key.revoked_at is None] == ["e4", "d1", "d0"]
    assert len(kept) == 3 + 3
