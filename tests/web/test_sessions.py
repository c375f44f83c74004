"""A browser's session: its cookie, and how long it holds."""

import pytest

from aiproxy.security import tokens
from aiproxy.store import sessions as rows
from aiproxy.store import settings
from aiproxy.web import sessions
from tests.support import ADMIN_NAME, ADMIN_PASSWORD, HOST, Site, call


def log_in(site, **headers):
    answer = site.browser().post(
        "/login",
        {"username": ADMIN_NAME, "password": ADMIN_PASSWORD},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    assert answer.status == 303, answer
    [cookie] = [
        value
        for name, value in answer.header_list
        if name.lower() == "set-cookie" and "_session=" in value
    ]
    return cookie


def test_the_cookie_is_for_this_server_and_no_script(site):
    cookie = log_in(site)

    assert cookie.startswith("aiproxy_session=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_secure_and_bound_to_its_host(site):
    with site.services.transaction() as db:
        settings.save(db, {"trusted_proxies": ["127.0.0.1"]})
    cookie = log_in(site, x_forwarded_proto="https", x_forwarded_for="9.9.9.9")

    assert cookie.startswith("__Host-aiproxy_session=")
    assert "Secure" in cookie


def test_under_a_base_path_the_cookie_stays_there(tmp_path):
    site = Site(tmp_path, saved={"base_path": "/a/b", "session_cookie_secure": True})
    try:
        cookie = log_in(site)
        assert cookie.startswith("__Secure-aiproxy_session=")
        assert "Path=/a/b" in cookie
    finally:
        site.close()


def test_only_a_digest_of_the_id_is_stored(site):
    session_id = log_in(site).partition("=")[2].partition(";")[0]
    stored = site.services.database.connection().execute("SELECT * FROM sessions")
    found = [tuple(row) for row in stored.fetchall()]

    assert session_id not in str(found)
    assert tokens.digest(session_id) in str(found)


def test_a_login_gives_a_new_id_and_adopts_none(site):
    foreign = tokens.make_session_id()
    answer = call(
        site.app,
        "GET",
        "/profile",
        headers={"Host": HOST, "Cookie": f"aiproxy_session={foreign}"},
    )
    assert answer.status == 302
    assert foreign not in log_in(site)


@pytest.mark.parametrize(
    ("created", "seen", "holds"),
    [
        (0, 0, True),
        (rows.IDLE_SECONDS + 1, rows.IDLE_SECONDS + 1, False),
        (rows.TOTAL_SECONDS - 10, 10, True),
        (rows.TOTAL_SECONDS + 1, 10, False),
    ],
)
def test_a_session_ends_by_idleness_and_by_age(site, created, seen, holds):
    now = site.services.now()
    session_id = sessions.start(
        site.services, site.services.snapshot.users[site.admin_id], now=now
    )
    with site.services.database.transaction() as db:
        db.execute(
            "UPDATE sessions SET created_at = ?, last_seen = ?",
            (now - created, now - seen),
        )

    user = sessions.find_user(site.services, session_id, now)

    assert (user is not None) is holds


def test_use_prolongs_a_session_but_a_poll_does_not(site):
    now = site.services.now()
    admin = site.services.snapshot.users[site.admin_id]
    session_id = sessions.start(site.services, admin, now=now - 4000)

    def last_seen():
        site.services.log_writer.flush()
        db = site.services.database.connection()
        return db.execute("SELECT last_seen FROM sessions").fetchone()[0]

    sessions.find_user(site.services, session_id, now, is_poll=True)
    assert last_seen() == now - 4000
    sessions.find_user(site.services, session_id, now)
    assert last_seen() >= now
