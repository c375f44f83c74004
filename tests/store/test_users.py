"""Users: names compared as people read them, and an admin who always remains."""

import pytest

from aiproxy.errors import Conflict, NotFound, SlugTaken
from aiproxy.store import api_keys, sessions, users


def add(db, username, **fields):
    return users.insert(db, username=username, **fields)


@pytest.fixture
def admin_id(db):
    return add(db, "admin", role="admin", password_hash="h")


def test_a_stored_user_reads_back_equal(db):
    user_id = add(
        db,
        "Ada",
        password_hash="secret-hash",
        role="member",
        theme="dark",
        must_change_password=True,
        hide_checklist=True,
        last_login=7,
        now=1000,
    )

    assert users.get(db, user_id) == users.User(
        user_id,
        "Ada",
        "secret-hash",
        "member",
        theme="dark",
        must_change_password=True,
        hide_checklist=True,
        last_login=7,
        created_at=1000,
        updated_at=1000,
    )


def test_the_hash_stays_out_of_repr(db):
    assert "secret" not in repr(users.get(db, add(db, "Ada", password_hash="secret")))


@pytest.mark.parametrize("typed", ["zoë", "ZOË", " zoë ", "zoe\u0308"])
def test_a_name_is_found_however_it_is_typed(db, typed):
    user_id = add(db, "Zo\u00eb")

    assert users.find_by_username(db, typed).id == user_id


def test_two_users_of_one_name_are_refused(db, admin_id):
    other = add(db, "other")

    with pytest.raises(SlugTaken):
        add(db, "ADMIN")
    with pytest.raises(SlugTaken):
        users.update(db, other, username="Admin")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\u202eb", "a" * 201])
def test_a_name_that_cannot_be_shown_is_refused(name):
    assert users.username_problem(name)


@pytest.mark.parametrize("name", ["a", "Ada Lovelace", "张伟", "o'brien", "a" * 200])
def test_ordinary_names_are_allowed(name):
    assert users.username_problem(name) == ""


@pytest.mark.parametrize("changes", [{"role": "member"}, {"enabled": False}])
def test_the_last_enabled_admin_stays(db, admin_id, changes):
    add(db, "off", role="admin", enabled=False)

    with pytest.raises(Conflict):
        users.update(db, admin_id, **changes)
    with pytest.raises(Conflict):
        users.delete(db, admin_id)
    assert users.get(db, admin_id).is_admin


@pytest.mark.parametrize("changes", [{"role": "member"}, {"enabled": False}])
def test_one_of_two_admins_may_go(db, admin_id, changes):
    add(db, "second", role="admin")

    users.update(db, admin_id, **changes)

    assert not users.get(db, admin_id).is_admin


def test_deleting_a_user_takes_keys_and_sessions_along(db, admin_id):
    user_id = add(db, "ada")
    api_keys.insert(db, user_id=user_id, name="k", prefix="aip_", digest="d")
    sessions.create(db, "s", user_id=user_id, now=1)

    users.delete(db, user_id)

    assert api_keys.list_all(db) == []
    assert sessions.find(db, "s", now=2) is None
    with pytest.raises(NotFound):
        users.get(db, user_id)


def test_a_deleted_users_id_is_never_given_out_again(db):
    user_id = add(db, "ada")
    users.delete(db, user_id)

    assert add(db, "eve") > user_id


@pytest.mark.parametrize("changes", [{"role": "member"}, {"enabled": False}])
def test_losing_rights_ends_the_sessions(db, admin_id, changes):
    other = add(db, "other", role="admin")
    sessions.create(db, "s", user_id=other, now=1)

    users.update(db, other, **changes)

    assert sessions.find(db, "s", now=2) is None


def test_another_change_keeps_the_sessions(db, admin_id):
    sessions.create(db, "s", user_id=admin_id, now=1)

    users.update(db, admin_id, theme="dark", last_login=5)

    assert sessions.find(db, "s", now=2) is not None
