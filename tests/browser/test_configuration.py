"""The configuration pages in a browser: looks, keyboard, and life without script."""

from __future__ import annotations

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from aiproxy.store import aliases, providers, users
from tests.browser.checks import assert_accessible, assert_fits
from tests.browser.served import DESKTOP, NARROW, PHONE, Served, Window
from tests.scripted_upstream import Call, Reply, ScriptedUpstream, refuse
from tests.support import ADMIN_PASSWORD, Site

PAGES = {
    "providers": "/providers",
    "provider": "/provider/new?preset=openai",
    "aliases": "/aliases",
    "prompt": "/prompt-config",
    "users": "/users?edit=1",
    "settings": "/settings",
    "profile": "/profile",
    "not found": "/nothing-here",
}
WITH_AND_WITHOUT = pytest.mark.parametrize(
    "script", [True, False], ids=["script", "no script"]
)
IN_BOTH_COLOURS = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def upstream():
    calls_the_tool = Reply(calls=(Call("report_status", {"status": "ok"}),))
    with ScriptedUpstream(lambda _ask: calls_the_tool) as running:
        yield running


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """Some of everything, names of every length, so that no page is empty."""
    site = Site(tmp_path_factory.mktemp("configured"))
    site.make_key(site.admin_id)
    with site.services.transaction() as db:
        chutes = site.provider("chutes").id
        providers.update(db, chutes, api_key="cpk_made-up-4f2a", model_opus="kimi")
        providers.record_test(
            db,
            chutes,
            kind="auth",
            message="Chutes refused the key (401).",
            latency_ms=9,
        )
        providers.insert(
            db,
            name="A provider with a very long name indeed",
            slug="x" * 64,
            endpoint="https://" + "long-name." * 12 + "example/v1",
            api_key="sk-long-enough-to-be-masked",
            model_haiku="vendor/" + "m" * 180,
        )
        aliases.insert(db, alias="fast", provider_id=chutes, prompt="custom")
        aliases.insert(db, alias="y" * 64, model="m" * 200)
        users.insert(db, username="z" * 200)
    served = Served(site)
    yield served
    served.close()
    site.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's own text, to be run in a page."""
    package = Path(axe_playwright_python.__file__).parent
    return (package / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def opened(chromium):
    """Opens windows on a served site; at the end each must have been quiet."""
    windows: list[Window] = []

    def at(served, path="", *, script=True, scheme="light", width=DESKTOP, log_in=True):
        window = Window(
            chromium,
            served,
            width=width,
            color_scheme=scheme,
            java_script_enabled=script,
        )
        windows.append(window)
        if log_in:
            window.log_in()
        if path:
            window.page.goto(path)
        return window.page

    yield at
    for window in windows:
        window.close()
    for window in windows:
        # The browser notes every 4xx answer, which tests ask for on purpose, and a
        # field that gets no focus because the test was faster.
        window.console[:] = [
            line
            for line in window.console
            if "responded with a status of 4" not in line
            and "Autofocus processing was blocked" not in line
        ]
        window.assert_quiet()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_no_name_is_too_long_for_a_narrow_phone(configured, opened, path):
    assert_fits(opened(configured, path, width=NARROW))


@IN_BOTH_COLOURS
def test_axe_finds_nothing_on_a_phone_with_the_drawer_open(
    configured, opened, axe, scheme
):
    page = opened(configured, "/providers", width=PHONE, scheme=scheme)
    assert_accessible(page, axe)
    page.click("button[popovertarget=nav]")
    expect(page.locator("nav.rail")).to_be_visible()

    assert_accessible(page, axe)


@IN_BOTH_COLOURS
def test_axe_finds_nothing_before_login(configured, opened, axe, scheme):
    page = opened(configured, "/login", log_in=False, scheme=scheme)
    assert_accessible(page, axe)
    page.fill("#username", "somebody else")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wrong name or password.")).to_be_visible()

    assert_accessible(page, axe)


@IN_BOTH_COLOURS
def test_axe_finds_nothing_in_a_form_with_problems(configured, opened, axe, scheme):
    page = opened(configured, "/provider/new", scheme=scheme)
    page.click("text=Save provider")
    expect(page.locator(".summary")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: "))

    assert_accessible(page, axe)


@IN_BOTH_COLOURS
def test_axe_finds_nothing_in_a_dialog(configured, opened, axe, scheme):
    page = opened(configured, "/profile", scheme=scheme)
    page.get_by_role("button", name="Revoke test").click()
    expect(page.locator("dialog[open]")).to_be_visible()

    assert_accessible(page, axe)


def test_the_drawer_opens_and_closes_without_script(configured, opened):
    page = opened(configured, "/users", width=PHONE, script=False)
    expect(page.locator("nav.rail")).to_be_hidden()
    page.click("button[popovertarget=nav]")
    expect(page.locator("nav.rail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("nav.rail")).to_be_hidden()
    page.click("button[popovertarget=nav]")
    page.click("nav.rail >> text=Aliases")
    page.wait_for_url("**/aliases")


@WITH_AND_WITHOUT
def test_a_problem_leads_to_its_field(served, opened, script):
    page = opened(served, "/provider/new", script=script)
    page.fill("#name", "Kept")
    page.click("text=Save provider")
    page.click(".summary a >> text=The address is missing.")

    expect(page.locator("#endpoint")).to_be_focused()
    expect(page.locator("#name")).to_have_value("Kept")


@WITH_AND_WITHOUT
def test_a_provider_is_tested_then_saved(served, upstream, opened, script):
    page = opened(served, "/providers", script=script)
    page.click("text=Add provider")
    page.click(".choice >> text=Something else")
    page.fill("#name", "Tried")
    page.fill("#api_key", f" Bearer {upstream.key} ")
    page.fill("#endpoint", f"{upstream.url}/v1")
    page.fill("#model_sonnet", "scripted-large")
    page.click("button:text-is('Test')")
    expect(page.locator("#verdict")).to_contain_text("It works.")
    expect(page.locator("#verdict")).to_be_focused()
    expect(page.get_by_text(f"Kept: …{upstream.key[-4:]}")).to_be_visible()
    assert upstream.key not in page.content()
    page.click("text=Save provider")
    page.wait_for_url("**/providers")

    expect(page.get_by_role("status").first).to_contain_text("Tried is saved")
    assert served.site.provider("tried").api_key == upstream.key


@WITH_AND_WITHOUT
def test_a_provider_is_deleted_only_when_it_is_meant(served, opened, script):
    provider_id = served.site.provider("chutes").id
    page = opened(served, f"/provider/edit/{provider_id}", script=script)
    if script:
        page.click("button:text-is('Delete provider')")
        expect(page.get_by_text("Delete Chutes?")).to_be_visible()
        expect(page.locator("dialog >> text=Keep it")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Delete Chutes?")).to_be_hidden()
        page.click("button:text-is('Delete provider')")
        page.click("dialog >> text=Delete provider")
    else:
        page.click("summary >> text=Delete provider")
        page.click("details >> button:text-is('Delete provider')")
    page.wait_for_url("**/providers")

    expect(page.get_by_role("status").first).to_contain_text("Chutes is deleted.")
    assert served.site.services.snapshot.find_provider("chutes") is None


@WITH_AND_WITHOUT
def test_a_refused_key_is_said_in_place(served, upstream, opened, script):
    page = opened(served, "/provider/new", script=script)
    page.fill("#name", "Refused")
    page.fill("#api_key", "sk-something-else-1234")
    page.fill("#endpoint", f"{upstream.url}/v1")
    page.fill("#model_sonnet", "scripted-large")
    upstream.say(Reply(fault=refuse(401)))
    page.click("button:text-is('Test')")
    expect(page.locator("#verdict")).to_contain_text("refused the key (401)")
    expect(page.locator("#name")).to_have_value("Refused")
    expect(page.locator("#api_key")).to_have_value("")
    assert "sk-something-else" not in page.content()


def test_the_models_of_a_provider_are_offered(served, upstream, opened):
    with served.site.services.transaction() as db:
        provider_id = providers.insert(
            db, name="Mine", endpoint=f"{upstream.url}/v1", api_key=upstream.key
        )
    page = opened(served, f"/provider/edit/{provider_id}")
    page.focus("#model_opus")

    expect(page.locator("#model-ids option")).to_have_count(len(upstream.models))


@WITH_AND_WITHOUT
def test_a_key_is_made_shown_once_and_revoked(served, opened, script):
    page = opened(served, "/profile", script=script)
    page.fill("#key-name", "laptop")
    page.click("text=Make a key")
    expect(page.get_by_text("This key is shown only now.")).to_be_visible()
    key = page.inner_text("#key-itself").strip()
    assert f"export ANTHROPIC_AUTH_TOKEN={key}" in page.inner_text("#key-bash")
    page.reload()
    assert key not in page.content()
    row = page.locator("tr", has_text="laptop")
    if script:
        row.get_by_role("button", name="Revoke laptop").click()
        page.click("dialog[open] >> text=Revoke key")
    else:
        row.locator("summary").click()
        row.locator("details button").click()

    expect(page.get_by_text("The key laptop is revoked")).to_be_visible()


@WITH_AND_WITHOUT
def test_the_prompt_is_previewed_before_it_is_saved(served, opened, script):
    page = opened(served, "/prompt-config", script=script)
    page.fill("#prompt_template", "Speak plainly, {{SYSTEM_NAME}}.")
    page.fill("#system_name", "Ada")
    if not script:
        page.click("button:text-is('Preview')")
    shown = page.locator("#preview .preview").first

    expect(shown).to_contain_text("Speak plainly, Ada.")
    assert "Speak plainly" not in served.site.services.snapshot.prompt.prompt_template


def test_a_placeholder_is_inserted_where_the_caret_is(served, opened):
    page = opened(served, "/prompt-config")
    page.fill("#prompt_template", "")
    page.click("button:has-text('{{MODEL_INFO}}')")

    expect(page.locator("#prompt_template")).to_have_value("{{MODEL_INFO}}")


@WITH_AND_WITHOUT
def test_the_theme_is_the_servers_to_write(served, opened, script):
    page = opened(served, "/profile", script=script)
    page.check("input[value=dark]")
    page.click("text=Save colours")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.check("input[value=system]")
    page.click("text=Save colours")

    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


@WITH_AND_WITHOUT
def test_settings_are_saved_and_their_problems_said(served, opened, script):
    page = opened(served, "/settings", script=script)
    page.fill("#request_timeout", "soon")
    page.click("text=Save settings")
    expect(page.locator(".field.bad #request_timeout")).to_have_value("soon")
    page.fill("#request_timeout", "90")
    page.fill("#server_port", "9123")
    page.click("text=Save settings")

    expect(page.get_by_text("changes at the next restart")).to_be_visible()
    assert served.site.services.settings.request_timeout == 90


def test_a_session_lost_in_mid_form_leads_to_the_login(served, opened):
    page = opened(served, "/aliases")
    page.fill("#alias", "lost")
    page.context.clear_cookies()
    page.click("text=Add alias")

    page.wait_for_url("**/login")


@pytest.fixture
def first_start(tmp_path):
    site = Site(tmp_path, must_change_password=True)
    served = Served(site)
    yield served
    served.close()
    site.close()


@WITH_AND_WITHOUT
def test_the_first_password_is_changed_by_keyboard_alone(first_start, opened, script):
    page = opened(first_start, "/", script=script, log_in=False)
    expect(page.get_by_text("First start: log in as admin")).to_be_visible()
    # Beside each password stands a button that shows it: without script it does not.
    onward = ("Tab", "Tab") if script else ("Tab",)
    press(page, "admin", "Tab", "admin123", "Enter")
    expect(page.locator("h1")).to_have_text("Choose your own password")
    assert page.locator("nav").count() == 0
    press(page, "admin123", *onward, "too short", *onward, "too short", "Enter")
    expect(page.locator(".summary")).to_be_focused()
    expect(page.locator(".summary")).to_contain_text("At least 12 characters")
    page.wait_for_load_state()  # the summary stands before the fields
    press(page, "Tab", "Tab")  # over the problem's link to the first field
    expect(page.locator("#current_password")).to_be_focused()
    press(page, "admin123", *onward, ADMIN_PASSWORD, *onward, ADMIN_PASSWORD, "Enter")

    expect(page.get_by_text("Your password is changed")).to_be_visible()
    expect(page.locator("nav.rail")).to_be_visible()


def press(page, *keys: str) -> None:
    """Type words, press keys."""
    for key in keys:
        if key in ("Tab", "Enter"):
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)
