"""Live parts: what is new arrives, nothing else is disturbed, trouble is said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web import rows

HIDE = """
    const hidden = {get: () => window.isAway, configurable: true};
    Object.defineProperty(document, 'hidden', hidden);
    window.isAway = %s;
    document.dispatchEvent(new Event('visibilitychange'));
"""


@pytest.fixture
def clocked(window):
    """The admin's dashboard with a clock that only the test turns."""
    window.page.clock.install(time=0)
    window.page.clock.pause_at(1000)  # else it also follows the real time
    window.log_in()
    return window


def turn(window, seconds):
    """Let the page's timers run; the answers of the server take their real time."""
    with window.page.expect_response(lambda answer: "part=live" in answer.url):
        window.page.clock.run_for(seconds * 1000)
    window.settle()


def test_a_new_request_arrives_by_itself(served, clocked):
    expect(clocked.page.get_by_text("No requests yet")).to_be_visible()
    rows.add(served.site, 1, model_requested="just-arrived")

    turn(clocked, 6)

    expect(clocked.page.get_by_role("link", name="just-arrived")).to_be_visible()
    expect(clocked.page.locator("#live-tiles")).to_contain_text("Requests1")


def test_a_quiet_server_answers_304_and_nothing_moves(served, clocked):
    rows.add(served.site, 1)
    turn(clocked, 6)
    clocked.page.evaluate("document.querySelector('#live-recent').mark = 1")

    with clocked.page.expect_response(lambda answer: answer.status == 304):
        clocked.page.clock.run_for(6000)

    assert clocked.page.evaluate("document.querySelector('#live-recent').mark") == 1


def test_a_hidden_page_is_silent_and_asks_at_once_on_return(clocked):
    clocked.page.evaluate(HIDE % "true")
    before = len(clocked.polls())
    clocked.page.clock.run_for(60_000)
    clocked.settle()
    assert len(clocked.polls()) == before

    with clocked.page.expect_response(lambda answer: "part=live" in answer.url):
        clocked.page.evaluate(HIDE % "false")


def test_it_asks_every_five_seconds_and_one_at_a_time(clocked):
    before = len(clocked.polls())
    for _ in range(3):
        turn(clocked, 5)

    assert len(clocked.polls()) == before + 3


def test_an_idle_page_asks_every_thirty_seconds(clocked):
    with clocked.page.expect_response(lambda answer: "part=live" in answer.url):
        clocked.page.clock.fast_forward(601_000)
    clocked.settle()
    before = len(clocked.polls())
    clocked.page.clock.run_for(25_000)
    clocked.settle()
    assert len(clocked.polls()) == before

    turn(clocked, 6)


def test_a_lost_server_is_said_and_its_return_too(served, clocked):
    note = clocked.page.get_by_text("Connection lost. Trying again.")
    served.go_away()
    clocked.page.clock.run_for(6000)
    expect(note).to_be_visible()

    served.come_back()
    rows.add(served.site, 1, model_requested="after-the-break")
    turn(clocked, 11)

    expect(note).to_be_hidden()
    expect(clocked.page.get_by_role("link", name="after-the-break")).to_be_visible()
    clocked.console.clear()  # the browser itself notes the refused connection


def test_a_failing_server_is_asked_less_and_less_often(served, clocked):
    served.go_away()
    assert seconds_to_failure(clocked) <= 6
    for seconds in (10, 20, 60, 60):
        assert seconds - 1 <= seconds_to_failure(clocked) <= seconds + 2
    served.come_back()
    clocked.console.clear()


def seconds_to_failure(clocked) -> int:
    """How far the page's clock goes until it has asked, and heard of the failure."""
    asked = len(clocked.polls())
    seconds = 0
    while len(clocked.polls()) == asked and seconds < 100:
        clocked.page.clock.run_for(1000)
        clocked.settle()
        seconds += 1
    return seconds


def test_after_a_logout_elsewhere_it_stops_and_offers_the_login(clocked):
    clocked.context.clear_cookies()
    clocked.page.clock.run_for(6000)

    expect(clocked.page.get_by_text("You are logged out.")).to_be_visible()
    before = len(clocked.polls())
    clocked.page.clock.run_for(120_000)
    clocked.settle()
    assert len(clocked.polls()) == before
    link = clocked.page.locator(".live").get_by_role("link", name="Log in")
    link.click()
    expect(clocked.page).to_have_url(re.compile("/login"))
    clocked.console.clear()  # the browser notes a 401


def test_what_has_focus_is_left_alone_until_it_is_free(served, clocked):
    rows.add(served.site, 1, model_requested="the-first")
    turn(clocked, 6)
    clocked.page.get_by_role("link", name="the-first").focus()
    rows.add(served.site, 2, model_requested="the-second")
    turn(clocked, 6)
    assert clocked.page.evaluate("document.activeElement.textContent") == "the-first"
    expect(clocked.page.get_by_role("link", name="the-second")).to_have_count(0)

    clocked.page.evaluate("document.activeElement.blur()")
    turn(clocked, 6)

    expect(clocked.page.get_by_role("link", name="the-second")).to_be_visible()


def test_selected_text_is_left_alone(served, clocked):
    rows.add(served.site, 1, model_requested="the-first")
    turn(clocked, 6)
    clocked.page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#live-recent'))"
    )
    rows.add(served.site, 2, model_requested="the-second")
    turn(clocked, 6)

    expect(clocked.page.get_by_role("link", name="the-second")).to_have_count(0)
    assert "the-first" in clocked.page.evaluate("getSelection().toString()")


def test_an_open_table_stays_open(served, clocked):
    rows.add(served.site, 1)
    turn(clocked, 6)
    clocked.page.get_by_text("Show as table").click()
    clocked.page.evaluate("document.activeElement.blur()")
    rows.add(served.site, 2)
    turn(clocked, 6)

    expect(clocked.page.locator("#live-tiles")).to_contain_text("Requests2")
    expect(clocked.page.locator("#chart-table table")).to_be_visible()


def test_the_list_of_requests_counts_what_is_new_and_shows_it_on_demand(
    served, clocked
):
    rows.add(served.site, 1, model_requested="the-first")
    clocked.page.goto("/logs")
    rows.add(served.site, 2, model_requested="the-second")
    turn(clocked, 6)
    expect(clocked.page.locator("#live-new")).to_contain_text("1 new")
    expect(clocked.page.get_by_role("link", name="the-second")).to_have_count(0)

    clocked.page.get_by_role("link", name="show", exact=True).click()

    expect(clocked.page.get_by_role("link", name="the-second")).to_be_visible()


def test_new_times_are_local_too(served, clocked):
    rows.add(served.site, 1)
    turn(clocked, 6)

    cell = clocked.page.locator("#live-recent time").first
    assert "UTC" not in cell.inner_text()
    assert "GMT+1" in (cell.get_attribute("title") or "")


def test_a_screen_reader_hears_of_a_new_failure(served, clocked):
    served.give_keys("chutes")
    rows.add(served.site, 1, provider="chutes", status=401)
    turn(clocked, 6)

    spoken = clocked.page.locator("[role=status].hidden")
    expect(spoken).to_contain_text("Chutes refuses its key")
