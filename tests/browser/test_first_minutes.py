"""From the first login to the first answer, as a person does it: by mouse, by keyboard
alone, and without script."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from aiproxy.store import providers
from tests.browser.served import Served
from tests.patience import wait_until
from tests.scripted_upstream import Reply, ScriptedUpstream
from tests.support import ADMIN_NAME, MEMBER_NAME, MEMBER_PASSWORD, Site

NEW_PASSWORD = "several words are good"


@pytest.fixture
def upstream():
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
def served(tmp_path, upstream):
    """A first start, with the scripted upstream among the providers."""
    site = Site(tmp_path, must_change_password=True)
    with site.services.transaction() as db:
        providers.insert(
            db,
            name="Scripted",
            slug="scripted",
            endpoint=f"{upstream.url}/v1",
            default_model="scripted-large",
        )
    running = Served(site)
    yield running
    running.close()
    site.close()


def choose_password(page):
    page.goto("/")
    expect(page.get_by_text("log in as admin with admin123")).to_be_visible()
    page.fill("[name=username]", ADMIN_NAME)
    page.fill("[name=password]", "admin123")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.fill("[name=current_password]", "admin123")
    page.fill("[name=new_password]", NEW_PASSWORD)
    page.fill("[name=confirm_password]", NEW_PASSWORD)
    page.press("[name=confirm_password]", "Enter")
    expect(page.get_by_text("Get Claude Code running")).to_be_visible()


def send_as_told(lines):
    """What Claude Code would send with the lines that the page shows."""
    base_url = re.search(r"ANTHROPIC_BASE_URL=(\S+)", lines)[1]
    token = re.search(r"ANTHROPIC_AUTH_TOKEN=(\S+)", lines)[1]
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    request = urllib.request.Request(
        f"{base_url}/v1/messages?beta=true",
        json.dumps(body).encode(),
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "anthropic-version": "2023-06-01",
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_the_ten_minutes(window, upstream):
    page = window.page
    choose_password(page)
    expect(page.locator("#setup")).to_contain_text("Test Scripted")

    # A wrong key first: it says why, and the form is still there.
    upstream.say(Reply(text="pong"))
    page.get_by_role("button", name="Test Scripted").click()
    expect(page.locator("#setup .note.err")).to_be_visible()
    page.select_option("#setup-provider", label="Scripted")
    page.fill("#setup-api-key", f"  Bearer {upstream.key} ")
    page.get_by_role("button", name="Save and test").click()
    expect(page.locator("#setup")).to_contain_text("3 of 5 done")

    page.get_by_role("button", name="Make a key for Claude Code").click()
    expect(page.locator("#setup")).to_contain_text("This key is shown only now.")
    lines = page.locator("#setup-lines").inner_text()
    expect(page.get_by_text("Waiting for Claude Code…")).to_be_visible()

    # The lines survive the polls, work as they stand, and the page notices.
    with page.expect_response(lambda answer: "part=live" in answer.url):
        pass
    expect(page.locator("#setup-lines")).to_be_visible()
    upstream.say(Reply(text="Hello yourself"))
    assert send_as_told(lines)["content"][0]["text"] == "Hello yourself"
    expect(page.locator("#setup")).to_contain_text("It works.")
    expect(page.locator("#setup")).to_contain_text("answered through Scripted")
    page.get_by_role("link", name="Look at the request").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("claude-sonnet-5")

    page.goto("/")
    page.get_by_role("button", name="Hide this list").click()
    expect(page.get_by_text("Help brings it back.")).to_be_visible()
    expect(page.locator("#setup")).to_be_hidden()
    assert upstream.key not in page.content()


def test_by_keyboard_alone(window, upstream):
    page = window.page
    page.goto("/")
    press = page.keyboard.press

    def tab_to(name, role="button"):
        target = page.get_by_role(role, name=name, exact=True).first
        for _ in range(60):
            if target.evaluate("element => element === document.activeElement"):
                outline = page.evaluate(
                    "getComputedStyle(document.activeElement).outlineStyle"
                )
                assert outline != "none", f"nobody sees the focus on {name}"
                return
            press("Tab")
        pytest.fail(f"the keyboard does not reach {name}")

    tab_to("Name", "textbox")
    page.keyboard.type(ADMIN_NAME)
    press("Tab")
    page.keyboard.type("admin123")
    press("Enter")
    expect(page.get_by_text("Choose your own password").first).to_be_visible()
    for name, text in (
        ("current_password", "admin123"),
        ("new_password", NEW_PASSWORD),
        ("confirm_password", NEW_PASSWORD),
    ):
        for _ in range(20):
            focused = page.evaluate("document.activeElement.name")
            if focused == name:
                break
            press("Tab")
        page.keyboard.type(text)
    press("Enter")
    expect(page.get_by_text("Get Claude Code running")).to_be_visible()

    tab_to("Skip to the content", "link")
    press("Enter")
    tab_to("Test Scripted")
    press("Enter")
    expect(page.locator("#setup .note.err")).to_be_visible()
    tab_to("Its API key", "textbox")
    page.keyboard.type(upstream.key)
    tab_to("Save and test")
    press("Space")
    expect(page.locator("#setup")).to_contain_text("3 of 5 done")
    tab_to("Make a key for Claude Code")
    press("Enter")
    expect(page.locator("#setup-lines")).to_be_visible()


def test_without_script(open_window, upstream):
    window = open_window(java_script_enabled=False)
    page = window.page
    choose_password(page)
    page.get_by_role("button", name="Test Scripted").click()
    page.select_option("#setup-provider", label="Scripted")
    page.fill("#setup-api-key", upstream.key)
    page.get_by_role("button", name="Save and test").click()
    page.get_by_role("button", name="Make a key for Claude Code").click()
    lines = page.locator("#setup-lines").inner_text()
    upstream.say(Reply(text="Hello yourself"))
    send_as_told(lines)
    database = window.served.site.services.database
    count = "SELECT count(*) FROM request_log"
    wait_until(lambda: database.connection().execute(count).fetchone()[0])

    page.reload()

    expect(page.locator("#setup")).to_contain_text("It works.")
    # What only a script can do is not offered.
    for words in ("Copy", "Show"):
        expect(page.get_by_role("button", name=words, exact=True)).to_have_count(0)


def test_a_member_begins_with_a_key_of_their_own(window):
    page = window.log_in(MEMBER_NAME, MEMBER_PASSWORD)
    expect(page.locator("#setup")).to_contain_text("0 of 2 done")
    names = page.locator("nav.rail ul a").all_inner_texts()
    assert [name.strip() for name in names] == [
        "Dashboard",
        "Requests",
        "Usage",
        "Connect",
        "Profile & keys",
        "Help",
    ]

    page.get_by_role("button", name="Make a key for Claude Code").click()

    expect(page.locator("#setup-lines")).to_contain_text("ANTHROPIC_AUTH_TOKEN=aip_")
