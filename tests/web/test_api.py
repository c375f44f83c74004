"""Which route a method and a path have."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiproxy.web import api, proxy
from tests.support import HOST, call


@pytest.mark.parametrize(
    ("method", "path", "answer", "places"),
    [
        ("POST", "/v1/messages", proxy.post_message, {}),
        ("POST", "/v1/messages/count_tokens", proxy.count_tokens, {}),
        ("POST", "/v1/messages/one", proxy.post_message, {"alias": "one"}),
        ("POST", "/v1/messages/one/count_tokens", proxy.count_tokens, {"alias": "one"}),
        ("GET", "/v1/models/a", proxy.get_model, {"model": "a"}),
        ("GET", "/v1/models/a/b", proxy.get_model, {"model": "a/b"}),
        (
            "GET",
            "/v1/messages/one/v1/models/a/b",
            proxy.get_model,
            {"alias": "one", "model": "a/b"},
        ),
        ("HEAD", "/v1/messages/one", proxy.probe, {"alias": "one"}),
        ("HEAD", "/v1/models", proxy.list_models, {}),
        ("HEAD", "/", proxy.probe, {}),
    ],
)
def test_a_route_and_what_stands_in_its_places(method, path, answer, places):
    route, found, is_known = api.find_route(method, path)

    assert route is not None
    assert (route.answer, found, is_known) == (answer, places, True)


@pytest.mark.parametrize(
    ("method", "path", "is_known"),
    [
        ("GET", "/v1/messages", True),
        ("PUT", "/v1/messages/one", True),
        ("POST", "/v1/messages/", False),
        ("POST", "/v1/messages//count_tokens", False),
        ("POST", "/v1/messages/one/", False),
        ("GET", "/v1/models/", False),
        ("POST", "/V1/messages", False),
        ("POST", "/v1/messages;x", False),
        ("POST", "v1/messages", False),
        ("POST", "", False),
    ],
)
def test_no_route_is_found_for_anything_near(method, path, is_known):
    assert api.find_route(method, path) == (None, {}, is_known)


def test_a_path_is_read_as_utf_8(site):
    path = "/v1/messages/hä"
    answer = call(
        site.app, "POST", path, headers={"Host": HOST}, body=b'{"messages": []}'
    )

    assert answer.status == 404
    assert "'hä'" in answer.json()["error"]["message"]


def test_bytes_that_are_no_utf_8_do_not_vanish_from_a_path(site):
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/mess\xffages",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": HOST,
    }
    answer = api.answer(site.services, environ)

    assert answer.status == 404


def test_requests_are_carried_without_the_framework():
    program = "import sys; import aiproxy.web.api; sys.exit('bottle' in sys.modules)"

    assert subprocess.run((sys.executable, "-c", program), check=False).returncode == 0
