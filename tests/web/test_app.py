"""What every answer carries, and what happens where nothing is."""

import pytest

from aiproxy.web.pages import PAGES
from tests.support import HOST, call


@pytest.mark.parametrize("path", ["/", "/providers", "/login", "/nothing", "/health"])
def test_every_answer_forbids_guessing_its_type(site, path):
    answer = site.admin().get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/login", "/profile", "/nothing", "/logs"])
def test_pages_run_nothing_from_elsewhere_and_are_not_kept(site, path):
    answer = site.admin().get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/providers/",
        "/provider//edit/1",
        "/Providers",
        "/providers.json",
        "/./providers",
        "/providers;x",
        "/provider/edit/1/",
        "/provider/edit/x",
        "/provider/edit/-1",
        "/provider/edit/01",
        "/provider/edit/\u0661",
        "/provider/edit/" + "9" * 19,
        "/provider/edit/" + "9" * 5000,
        "/static/../app.db",
        "/static/x/app.css/..",
        "/aiproxy/cli.py",
    ],
)
def test_a_path_is_matched_exactly_or_not_at_all(site, path):
    answer = site.admin().get(path)

    assert answer.status == 404
    assert "There is nothing here" in answer.text


def test_a_missing_page_gives_a_script_json(site):
    answer = site.script().get("/nothing")

    assert answer.status == 404
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "CONNECT", "PATCH"])
def test_other_methods_are_not_taken(site, method):
    answer = call(site.app, method, "/providers", headers={"Host": HOST})

    assert answer.status in (404, 405)


def test_a_rebinding_page_is_told_how_to_allow_the_name(site):
    answer = call(site.app, "GET", "/login", headers={"Host": "evil.example"})

    assert answer.status == 403
    assert "ALLOWED_HOSTS" in answer.text


def test_a_failure_shows_a_sentence_and_an_id_but_no_cause(site, caplog):
    site.services.passwords = None
    answer = site.browser().post("/login", {"username": "admin", "password": "x" * 12})

    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text
    assert answer.headers["request-id"] in caplog.text
    assert answer.headers["request-id"] in answer.text


def test_each_route_is_declared_once():
    declared = [(route.method, route.path) for route in PAGES]

    assert len(declared) == len(set(declared))
