"""A provider's state: the newer of its last test and its latest requests."""

from __future__ import annotations

from aiproxy.records import replace
from aiproxy.store import providers
from aiproxy.store.providers import Provider
from aiproxy.store.statistics import Streak
from aiproxy.web.provider_state import State, state_of

SAVED = 1000
FRESH = Provider(
    id=1,
    name="Chutes",
    slug="chutes",
    endpoint="https://llm.chutes.ai/v1",
    api_key="cpk_abcdefgh",
    created_at=SAVED,
    updated_at=SAVED,
)
TESTED = replace(FRESH, tested_at=2000, test_kind="ok", test_latency_ms=1234)
REFUSED = replace(
    FRESH, tested_at=2000, test_kind="auth", test_message="Chutes refused the key."
)


def streak(at: int, *, failures: int = 0, status: int = 200) -> Streak:
    error = "bad key" if failures else ""
    return Streak("chutes", at, status, error, failures=failures, since=at)


def test_nothing_is_known_of_a_new_one():
    assert state_of(FRESH, None) == State("Not tested")


def test_one_that_is_off_says_nothing_else():
    assert state_of(replace(REFUSED, enabled=False), None) == State("Off")


def test_a_key_is_missing():
    assert state_of(replace(FRESH, api_key=""), None).needs_key


def test_a_server_nearby_may_need_no_key():
    near = replace(FRESH, api_key="", endpoint="http://127.0.0.1:11434/v1")

    assert not state_of(near, None).needs_key


def test_a_header_may_be_the_key():
    own = replace(FRESH, api_key="", custom_headers={"X-Api-Key": "abc"})

    assert not state_of(own, None).needs_key


def test_a_good_test_says_how_long_it_took():
    assert state_of(TESTED, None) == State("Working, 1.2 s")


def test_a_bad_test_says_why():
    state = state_of(REFUSED, None)

    assert (state.word, state.detail) == ("Key refused", "Chutes refused the key.")
    assert state.is_failing


def test_a_newer_request_goes_before_an_older_test():
    assert state_of(REFUSED, streak(3000)) == State("Working")
    failing = state_of(TESTED, streak(3000, failures=3, status=401))

    assert failing.word == "Key refused"
    assert failing.detail == "3 requests failed in a row: bad key"


def test_one_failure_that_may_pass_is_no_state():
    passing = streak(3000, failures=1, status=502)

    assert state_of(FRESH, passing) == State("Working")
    assert state_of(FRESH, streak(3000, failures=2, status=502)).is_failing
    assert state_of(FRESH, streak(3000, failures=1, status=402)).is_failing


def test_the_rail_counts_who_fails(site, admin):
    assert "failing" not in admin.get("/users").words
    with site.services.transaction() as db:
        for slug in ("chutes", "synthetic"):
            provider_id = site.provider(slug).id
            providers.update(db, provider_id, api_key="sk-abcdefgh")
            providers.record_test(
                db, provider_id, kind="auth", message="No.", latency_ms=5
            )

    assert "2 failing" in admin.get("/users").words
    assert "failing" not in site.member().get("/profile").words


def test_a_newer_test_goes_before_older_requests():
    assert state_of(TESTED, streak(1500, failures=3, status=401)).word.startswith(
        "Working"
    )


def test_requests_from_before_the_last_save_say_nothing():
    assert state_of(FRESH, streak(999, failures=3, status=401)) == State("Not tested")
