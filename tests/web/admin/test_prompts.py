"""The custom prompt: saved, previewed unsaved, and set back."""

from __future__ import annotations

import pytest

from aiproxy.protocol import prompt
from aiproxy.web.admin import prompts

SENT = {
    "use_custom_prompt": True,
    "prompt_template": "Be brief.\n{{MODEL_INFO}}",
    "system_name": "Ada",
    "model_name_override": "",
    "remove_ai_references": True,
    "remove_defensive_restrictions": False,
}


def test_what_is_saved_holds_at_once(site, admin):
    answer = admin.post("/prompt-config", SENT)

    assert (answer.status, answer.location) == (303, "/prompt-config")
    saved = site.services.snapshot.prompt
    assert saved.use_custom_prompt
    assert saved.prompt_template == "Be brief.\n{{MODEL_INFO}}"
    assert saved.remove_ai_references
    assert not saved.remove_defensive_restrictions
    assert "The system prompt is saved" in admin.follow(answer).words


def test_the_page_shows_what_is_saved(admin):
    admin.post("/prompt-config", SENT)
    page = admin.get("/prompt-config")

    assert "Be brief." in page.text
    assert 'value="Ada"' in page.text
    assert page.text.count(" checked") == 2


def test_a_script_changes_only_what_it_names(script):
    script.post("/prompt-config", SENT)
    answer = script.post("/prompt-config", {"system_name": "Bob"})

    assert answer.json() == {**SENT, "system_name": "Bob"}
    assert script.get("/prompt-config").json() == answer.json()


def test_a_template_comes_back_byte_for_byte(admin, script):
    template = "\n  <b>{{ENV_INFO}}</b> & \u00e4\u2028 {{X}}\n"
    admin.post("/prompt-config", {**SENT, "prompt_template": template})
    assert script.get("/prompt-config").json()["prompt_template"] == template

    page = admin.get("/prompt-config").text
    assert "<b>{{ENV_INFO}}" not in page
    assert "&lt;b&gt;{{ENV_INFO}}&lt;/b&gt;" in page


def test_a_template_is_never_run_as_one_of_ours(admin):
    template = "{{7*7}}\n% import os\n<% x %>"
    answer = admin.post("/prompt-config/preview", {**SENT, "prompt_template": template})

    assert answer.status == 200
    assert "49" not in answer.words.partition("Preview")[2]


def test_a_template_beyond_its_limit_is_refused_and_kept_in_the_form(admin, site):
    answer = admin.post(
        "/prompt-config", {**SENT, "prompt_template": "x" * (512 * 1024 + 1)}
    )

    assert answer.status == 422
    assert 'href="#prompt_template"' in answer.text
    assert not site.services.snapshot.prompt.use_custom_prompt


@pytest.mark.parametrize("name", ["system_name", "model_name_override"])
def test_a_bad_name_is_named(script, name):
    answer = script.post("/prompt-config", {name: "a\nb"})

    assert answer.status == 422
    assert list(answer.json()["error"]["fields"]) == [name]


def test_a_preview_saves_nothing(script, site):
    answer = script.post("/prompt-config/preview", {**SENT, "system": "You are X."})

    assert set(answer.json()) == {"system"}
    assert "Be brief." in answer.json()["system"]
    assert not site.services.snapshot.prompt.use_custom_prompt


def test_the_same_preview_gives_the_same_bytes(script):
    sent = {**SENT, "system": prompts.EXAMPLE_SYSTEM}
    first = script.post("/prompt-config/preview", sent).body

    assert script.post("/prompt-config/preview", sent).body == first


def test_a_browser_sees_the_preview_of_what_it_typed(admin):
    answer = admin.post("/prompt-config/preview", {**SENT, "system": "You are X."})

    assert answer.status == 200
    assert "Be brief." in answer.text.partition('id="preview"')[2]
    assert ">\nYou are X.</textarea>" in answer.text


def test_a_fragment_is_the_preview_alone(admin):
    answer = admin.post("/prompt-config/preview?part=preview", SENT)

    assert answer.status == 200
    assert "<html" not in answer.text
    assert "Be brief." in answer.text


def test_the_template_goes_back_to_the_default(admin, script):
    admin.post("/prompt-config", SENT)
    assert "Back to the default" in admin.get("/prompt-config").words
    admin.post("/prompt-config", {**SENT, "restore_default": "1"})

    saved = script.get("/prompt-config").json()
    assert saved["prompt_template"] == prompt.DEFAULT_TEMPLATE
    assert saved["system_name"] == "Ada"
    assert "Back to the default" not in admin.get("/prompt-config").words


def test_a_member_sees_no_prompt(member):
    assert member.get("/prompt-config").status == 403
    assert member.post("/prompt-config", SENT).status == 403
    assert member.post("/prompt-config/preview", SENT).status == 403


def test_without_the_token_nothing_is_saved(admin, site):
    assert admin.post("/prompt-config", SENT, token="").status == 403
    assert not site.services.snapshot.prompt.use_custom_prompt


def test_removed_and_added_lines_are_told_apart():
    lines = prompts._differences("a\nb\nc", "a\nx\nc")  # noqa: SLF001

    assert [(line.kind, line.text) for line in lines] == [
        ("", "a"),
        ("del", "b"),
        ("ins", "x"),
        ("", "c"),
    ]
