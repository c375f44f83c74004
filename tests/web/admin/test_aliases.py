"""Aliases: made, changed, deleted; happy and not."""

from __future__ import annotations

import pytest


def fields(**changes):
    return {
        "alias": "fast",
        "provider_id": "",
        "prompt": "standard",
        "model": "",
        **changes,
    }


def test_an_alias_is_made_and_listed_with_its_address(admin):
    answer = admin.post("/alias/new", fields(alias=" FAST "))

    assert (answer.status, answer.location) == (303, "/aliases")
    page = admin.follow(answer)
    assert "The alias fast is saved" in page.words
    assert "http://127.0.0.1:8000/v1/messages/fast" in page.text.replace("<wbr>", "")
    assert "The alias fast is saved" not in admin.get("/aliases").words


def test_a_script_makes_one(site, script):
    provider = site.provider("chutes")
    answer = script.post(
        "/alias/new",
        {"alias": "a", "provider_id": provider.id, "prompt": "custom", "model": "m"},
    )
    made = answer.json()

    assert answer.status == 201
    assert made["alias"] == "a"
    assert made["provider_id"] == provider.id
    assert made["provider"] == "chutes"
    assert made["base_url"] == "http://127.0.0.1:8000/v1/messages/a"
    assert script.get("/aliases").json() == {"aliases": [made]}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"alias": ""}, "alias"),
        ({"alias": "a b"}, "alias"),
        ({"alias": "-a"}, "alias"),
        ({"alias": "a" * 65}, "alias"),
        ({"alias": "models"}, "alias"),
        ({"alias": "v1"}, "alias"),
        ({"provider_id": "999"}, "provider_id"),
        ({"provider_id": "x"}, "provider_id"),
        ({"prompt": "odd"}, "prompt"),
        ({"model": "m" * 201}, "model"),
    ],
)
def test_a_bad_field_is_named_and_the_input_kept(admin, script, changes, name):
    answer = admin.post("/alias/new", fields(**{"model": "my-model", **changes}))
    assert answer.status == 422
    assert f'href="#{name}"' in answer.text
    if "model" not in changes:
        assert 'value="my-model"' in answer.text

    in_json = script.post("/alias/new", fields(**changes))
    assert in_json.status == 422
    assert list(in_json.json()["error"]["fields"]) == [name]


def test_a_name_is_taken_once(admin):
    admin.post("/alias/new", fields())
    answer = admin.post("/alias/new", fields(alias="Fast"))

    assert answer.status == 422
    assert "There is an alias fast already." in answer.words


def test_a_script_changes_only_what_it_names(script):
    made = script.post("/alias/new", fields(model="m", prompt="custom")).json()
    changed = script.post(f"/alias/edit/{made['id']}", {"alias": "quick"})

    assert changed.status == 200
    assert changed.json()["alias"] == "quick"
    assert changed.json()["model"] == "m"
    assert changed.json()["prompt"] == "custom"


def test_the_form_shows_the_alias_to_change(admin, script):
    made = script.post("/alias/new", fields(model="my-model")).json()
    page = admin.get(f"/aliases?edit={made['id']}")

    assert "Edit fast" in page.words
    assert 'value="my-model"' in page.text
    assert f'action="/alias/edit/{made["id"]}"' in page.text


def test_a_delete_asks_first_and_then_does_it(admin, script):
    made = script.post("/alias/new", fields()).json()
    page = admin.get(f"/aliases?edit={made['id']}")
    assert "Delete fast?" in page.words
    answer = admin.post(f"/alias/delete/{made['id']}")

    assert answer.status == 303
    assert script.get("/aliases").json() == {"aliases": []}


def test_a_script_that_deletes_gets_an_empty_object(script):
    made = script.post("/alias/new", fields()).json()
    answer = script.post(f"/alias/delete/{made['id']}")

    assert (answer.status, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "path", ["/alias/edit/9", "/alias/delete/9", "/alias/edit/x", "/alias/delete/-1"]
)
def test_an_alias_that_is_not_there_is_404(script, path):
    assert script.post(path, fields()).status == 404


def test_an_odd_alias_to_edit_is_404(admin):
    assert admin.get("/aliases?edit=x").status == 404


def test_an_alias_may_take_over_a_providers_name_and_is_told_so(admin):
    answer = admin.post("/alias/new", fields(alias="chutes"))

    assert "in place of the provider" in admin.follow(answer).words


def test_a_member_sees_names_and_models_only(member, script):
    script.post("/alias/new", fields(model="m"))
    assert member.get_json("/aliases") == {
        "aliases": [{"alias": "fast", "provider": "", "model": "m", "api_format": ""}]
    }

    page = member.get("/aliases")
    assert page.status == 200
    assert "alias-form" not in page.text
    assert member.post("/alias/new", fields()).status == 403


def test_without_the_token_nothing_is_made(admin, script):
    assert admin.post("/alias/new", fields(), token="").status == 403
    assert script.get("/aliases").json() == {"aliases": []}


def test_a_strangers_text_is_escaped(admin):
    answer = admin.post("/alias/new", fields(alias="<script>alert(1)</script>"))

    assert "<script>alert" not in answer.text
