"""A page or its JSON twin, and what every page has around it."""

from __future__ import annotations

import re

import pytest
from bottle import request

from aiproxy.web import render
from aiproxy.web.routing import Visitor

PAGES = ["/providers", "/aliases", "/prompt-config", "/users", "/settings", "/profile"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Accept": "application/json"}, True),
        ({"Accept": "application/json, */*"}, True),
        ({"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, False),
        ({"Accept": "*/*"}, False),
        ({}, False),
        ({"Accept": "*/*", "Authorization": "Bearer aip_x"}, True),
        ({"Accept": "*/*", "X-Api-Key": "aip_x"}, True),
        ({"Accept": "*/*", "Content-Type": "application/json"}, True),
        ({"Accept": "text/html", "Content-Type": "application/json"}, False),
    ],
)
def test_a_script_is_known_by_what_it_takes_and_sends(headers, expected):
    environ = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    request.bind(environ)

    assert render.wants_json() is expected


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_its_frame(admin, path):
    page = admin.get(path)

    assert page.status == 200
    assert page.text.startswith("<!doctype html>")
    assert len(re.findall("<h1[ >]", page.text)) == 1
    assert page.text.count('aria-current="page"') == 1
    assert " · AI Proxy</title>" in page.text
    assert 'href="#main"' in page.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_guarded_by_its_headers(admin, path):
    headers = admin.get(path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_small_and_quick_to_read(admin, path):
    assert len(admin.get(path).body) < 60_000


@pytest.mark.parametrize("path", PAGES)
def test_every_input_has_a_name_that_is_read_aloud(admin, path):
    text = admin.get(path).text
    inputs = re.findall(r"<(?:input|select|textarea)\b[^>]*>", text)
    visible = [tag for tag in inputs if 'type="hidden"' not in tag]
    labels = set(re.findall(r'<label for="([^"]+)"', text))

    for tag in visible:
        found = re.search(r'\bid="([^"]+)"', tag)
        assert 'type="radio"' in tag or "aria-hidden" in tag or found[1] in labels


@pytest.mark.parametrize("path", [*PAGES, "/provider/new", "/provider/edit/1"])
def test_no_id_stands_twice(admin, path):
    ids = re.findall(r'\bid="([^"]+)"', admin.get(path).text)

    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_twin_for_scripts(script, path):
    answer = script.get(path)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json(), dict)


def test_a_sentence_waits_for_the_next_page_and_is_said_once(site, admin):
    visitor = Visitor(user=None, session_id=admin.cookies["aiproxy_session"])
    render.add_flash(site.services, visitor, render.Flash("Look <here>", "err"))
    render.add_flash(site.services, visitor, "And here")
    page = admin.get("/users")

    assert 'role="alert"' in page.text
    assert "Look &lt;here&gt;" in page.text
    assert "And here" in page.words
    assert "And here" not in admin.get("/users").words


def test_another_session_hears_nothing_of_it(site, admin):
    visitor = Visitor(user=None, session_id=admin.cookies["aiproxy_session"])
    render.add_flash(site.services, visitor, "For me alone")

    assert "For me alone" not in site.admin().get("/users").words


def test_a_redirect_names_no_host(site):
    answer = render.redirect(site.services, "/users")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/users"


def test_an_answer_for_scripts_is_utf_8():
    answer = render.answer_json({"name": "Zo\u00eb \ud800"})

    assert answer.body.decode() == '{"name":"Zo\u00eb \ufffd"}'


def test_a_page_that_is_not_there_says_where_to_go(admin):
    answer = admin.get("/nothing-here")

    assert answer.status == 404
    assert "There is nothing here" in answer.words
    assert 'href="/"' in answer.text


def test_a_member_is_offered_only_what_opens(member):
    page = member.get("/profile").text
    linked = re.findall(r'<li><a href="([^"]+)"', page)

    assert linked == ["/", "/logs", "/usage", "/connect", "/profile", "/help"]
    for path in linked:
        assert member.get(path).status == 200
