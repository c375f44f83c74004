"""What the script makes nicer: copying, showing, local times, sending once, dialogs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from aiproxy.store import aliases
from tests.web import rows

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
NO_COMMANDS = """
    delete HTMLButtonElement.prototype.command;
    delete HTMLButtonElement.prototype.commandForElement;
    document.addEventListener('click', event => {
        if (event.target.closest('[commandfor]')) event.preventDefault();
    }, true);
"""


def copied(page):
    """What lies on the clipboard, pasted into a field of the page."""
    return page.evaluate("navigator.clipboard.readText()")


@pytest.fixture
def clipboard(window):
    window.context.grant_permissions(
        ["clipboard-read", "clipboard-write"], origin=window.served.url
    )
    return window.log_in()


def test_copy_takes_the_lines_and_says_so(clipboard):
    clipboard.goto("/connect?alias=openrouter")
    clipboard.get_by_role("button", name="Copy").click()

    expect(clipboard.locator(".toast")).to_have_text("Copied")
    assert copied(clipboard) == clipboard.locator("#lines").text_content()
    assert copied(clipboard).startswith("export ANTHROPIC_BASE_URL=http://127.0.0.1:")


def test_the_toast_goes_after_four_seconds(window):
    window.page.clock.install()
    page = window.log_in()
    page.goto("/connect")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".toast")).to_be_visible()

    page.clock.run_for(4_100)

    expect(page.locator(".toast")).to_have_count(0)


def test_without_the_clipboard_interface_it_copies_all_the_same(clipboard):
    clipboard.add_init_script(
        "window.read = navigator.clipboard.readText.bind(navigator.clipboard);"
        + NO_CLIPBOARD
    )
    clipboard.goto("/connect")
    clipboard.get_by_role("button", name="Copy").click()

    expect(clipboard.locator(".toast")).to_have_text("Copied")
    assert "ANTHROPIC_BASE_URL" in clipboard.evaluate("window.read()")
    focused = clipboard.evaluate("document.activeElement.textContent.trim()")
    assert focused == "Copy"


def test_a_secret_is_shown_and_hidden(page):
    field = page.locator("#setup-api-key")
    field.fill("sk-typed")
    page.get_by_role("button", name="Show the key").click()
    expect(field).to_have_attribute("type", "text")
    expect(page.locator("[data-show=setup-api-key]")).to_have_text("Hide")

    page.locator("[data-show=setup-api-key]").click()

    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value("sk-typed")


def test_times_are_those_of_the_reader(served, page):
    entry = rows.add(served.site, 1)
    page.goto("/logs")

    time = page.locator("tbody time").first
    expected = page.evaluate(
        "at => new Date(at * 1000).toLocaleTimeString('en-GB',"
        " {hour: '2-digit', minute: '2-digit', timeZone: 'Africa/Lagos'})",
        entry.time,
    )
    assert time.inner_text().endswith(expected)
    assert time.get_attribute("datetime").endswith("Z")


def test_a_form_is_sent_once_however_often_it_is_clicked(window, page):
    posts = []
    window.page.on(
        "request", lambda asked: posts.append(asked) if asked.method == "POST" else None
    )
    page.goto("/aliases")
    page.fill("[name=alias]", "fast")
    page.evaluate(
        """() => {
            const button = document.querySelector('.button.primary');
            button.click(); button.click(); button.click();
        }"""
    )
    expect(page.get_by_text("The alias fast is saved")).to_be_visible()

    assert len(posts) == 1


def test_the_button_says_what_is_being_done(page):
    page.goto("/aliases")
    page.fill("[name=alias]", "fast")
    words = page.evaluate(
        """() => {
            const button = document.querySelector('.button.primary');
            button.form.addEventListener('submit', event => setTimeout(() => 0));
            button.click();
            return [button.textContent, button.getAttribute('aria-busy')];
        }"""
    )

    assert words == ["Saving…", "true"]
    page.wait_for_load_state()


@pytest.mark.parametrize("knows_commands", [True, False], ids=["native", "fallback"])
def test_a_dialog_asks_first_and_the_safe_button_has_the_focus(
    served, page, knows_commands
):
    with served.site.services.transaction() as db:
        alias = aliases.insert(db, alias="fast")
    if not knows_commands:
        page.add_init_script(NO_COMMANDS)
    page.goto(f"/aliases?edit={alias}")

    page.get_by_role("button", name="Delete alias").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete fast?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()

    page.get_by_role("button", name="Delete alias").first.click()
    dialog.get_by_role("button", name="Delete alias").click()
    expect(page.get_by_text("The alias fast is deleted.")).to_be_visible()


def test_escape_closes_a_dialog(served, page):
    with served.site.services.transaction() as db:
        alias = aliases.insert(db, alias="fast")
    page.goto(f"/aliases?edit={alias}")
    page.get_by_role("button", name="Delete alias").first.click()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_placeholder_goes_where_the_caret_is(page):
    page.goto("/prompt-config")
    area = page.locator("#prompt_template")
    area.fill("before after")
    area.evaluate("area => area.setSelectionRange(7, 7)")
    page.locator("[data-insert='{{ENV_INFO}}']").click()

    expect(area).to_have_value("before {{ENV_INFO}}after")


def test_the_preview_follows_what_is_typed_and_saves_nothing(served, page):
    page.goto("/prompt-config")
    page.fill("#prompt_template", "You are a very special assistant.")

    preview = page.locator("#preview")
    expect(preview).to_contain_text("You are a very special assistant.")
    assert served.site.services.snapshot.prompt.prompt_template != (
        "You are a very special assistant."
    )


def test_the_menu_of_a_phone_opens_and_closes_without_script(open_window):
    window = open_window(width=390, java_script_enabled=False)
    page = window.log_in()
    menu = page.get_by_role("link", name="Requests")
    expect(menu).to_be_hidden()

    page.get_by_role("button", name="Menu").click()

    expect(menu).to_be_visible()
    menu.click()
    expect(page.get_by_role("heading", name="Requests")).to_be_visible()


def test_after_a_restart_the_page_goes_back_by_itself(served, window):
    served.site.services.restart = lambda: None
    window.page.clock.install()
    page = window.log_in()
    page.evaluate(
        """async token => {
            const form = document.createElement('form');
            form.method = 'post';
            form.action = '/restart';
            form.innerHTML = `<input name=csrf_token value=${token}>`;
            document.body.append(form);
            form.submit();
        }""",
        page.locator("[name=csrf_token]").first.input_value(),
    )
    expect(page.get_by_role("heading", name="Restarting")).to_be_visible()
    served.go_away()
    page.clock.run_for(2_000)
    window.settle()
    served.come_back()

    page.clock.run_for(2_000)

    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    window.console.clear()  # the browser notes the refused connection
