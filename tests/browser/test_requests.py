"""Requests: filtered, paged, looked into and exported, as a person does it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web import rows


@pytest.fixture
def with_rows(served):
    for number in range(55):
        rows.add(served.site, number, ago=600 - number)
    rows.add(
        served.site,
        100,
        ago=9,
        provider="chutes",
        status=429,
        model_requested="claude-via-fast",
        error_message="Rate limit reached",
        bodies=rows.BODIES,
    )
    return served


@pytest.fixture
def requests(with_rows, page):
    page.goto("/logs")
    return page


def downloaded(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_filters_are_combined_and_cleared(requests):
    expect(requests.locator("tbody tr")).to_have_count(50)
    requests.select_option("#status", "failed")
    requests.get_by_role("button", name="Filter").click()
    expect(requests.locator("tbody tr")).to_have_count(1)
    expect(requests.locator("tbody")).to_contain_text("429 rate limit")
    expect(requests.locator("#status")).to_have_value("failed")

    requests.fill("#q", "nothing is like this")
    requests.press("#q", "Enter")
    expect(requests.get_by_text("Nothing matches")).to_be_visible()
    requests.get_by_role("link", name="Clear filters").click()

    expect(requests.locator("tbody tr")).to_have_count(50)
    expect(requests).to_have_url(re.compile(r"/logs$"))


def test_rarer_filters_wait_behind_a_word(requests):
    expect(requests.locator("#model")).to_be_hidden()
    requests.get_by_text("More filters").click()
    requests.fill("#model", "claude-via-fast")
    requests.press("#model", "Enter")

    expect(requests.locator("tbody tr")).to_have_count(1)
    expect(requests.locator("#model")).to_have_value("claude-via-fast")


def test_pages_lead_to_older_and_back_to_newer(requests):
    requests.get_by_role("link", name="Older").click()
    expect(requests.locator("tbody tr")).to_have_count(6)
    expect(requests.locator(".pager")).to_contain_text("of 56")

    requests.get_by_role("link", name="Newer").click()

    expect(requests.locator("tbody tr")).to_have_count(50)


def test_an_export_is_what_the_filters_show(requests):
    requests.select_option("#provider", "chutes")
    requests.get_by_role("button", name="Filter").click()
    expect(requests.locator("tbody tr")).to_have_count(1)

    lines = list(csv.DictReader(io.StringIO(downloaded(requests, "CSV"))))
    objects = json.loads(downloaded(requests, "JSON"))

    assert [line["id"] for line in lines] == ["req_100"]
    assert [one["id"] for one in objects] == ["req_100"]
    assert lines[0]["error_message"] == "Rate limit reached"


def test_a_request_is_read_from_end_to_end(with_rows, requests, window):
    requests.get_by_role("link", name="claude-via-fast").click()
    expect(requests.locator(".note.err")).to_contain_text("Rate limit reached")
    expect(requests.locator(".station")).to_have_count(4)
    expect(requests.locator("#body-3")).to_contain_text('"content": "Hello"')

    requests.get_by_role("link", name=re.compile("1 From client")).click()
    expect(requests.locator("#body-1")).to_contain_text("<script>alert(1)</script>")
    requests.get_by_role("link", name="Beside").click()
    expect(requests.locator("#body-2")).to_contain_text('"model": "gpt-5"')
    requests.get_by_role("link", name="Raw").click()
    expect(requests.locator("#body-1")).to_contain_text('{"model":"claude-x"')

    assert downloaded(requests, "Download") == rows.BODIES[0].decode()
    requests.get_by_role("link", name="Older").click()
    expect(requests.locator("h1")).to_contain_text("claude-opus-5-5")
    requests.get_by_role("link", name="Requests", exact=True).first.click()
    expect(requests.locator("tbody tr")).to_have_count(50)


def test_the_list_stays_beside_the_request_on_a_wide_screen(requests):
    requests.get_by_role("link", name="claude-via-fast").click()
    beside = requests.get_by_role("navigation", name="Requests nearby")
    expect(beside).to_be_visible()
    expect(beside.locator("[aria-current=page]")).to_contain_text("claude-via-fast")

    requests.set_viewport_size({"width": 800, "height": 900})

    expect(beside).to_be_hidden()


def test_a_session_that_ended_leads_back_after_the_login(requests, window):
    window.context.clear_cookies()
    requests.select_option("#status", "failed")
    requests.get_by_role("button", name="Filter").click()
    expect(requests).to_have_url(re.compile(r"/login\?next="))

    requests.fill("[name=username]", "admin")
    requests.fill("[name=password]", "correct horse battery")
    requests.press("[name=password]", "Enter")

    expect(requests).to_have_url(re.compile(r"/logs\?.*status=failed"))


def test_usage_is_added_up_as_ticked(with_rows, page):
    page.goto("/usage")
    page.get_by_label("Provider").check()
    page.get_by_label("Day").uncheck()
    page.get_by_role("button", name="Add up").click()

    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).to_contain_text("chutes")
    expect(page.locator("tfoot")).to_contain_text("56")
