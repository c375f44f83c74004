"""Hostile text in every field: no page runs it, no log line or cell is forged by it."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any, Iterator

import pytest

from tests.attack.outsider import Outsider
from tests.patience import wait_until
from tests.real_server import ADMIN_PASSWORD, Answer, RealServer, Visitor
from tests.scripted_upstream import Reply, ScriptedUpstream, refuse

pytestmark = pytest.mark.once

XSS = "\"'></title></textarea></script><script src=//evil>x</script><img onerror=x>"
TEMPLATE = "{{7*7}}<% import os %>\n% import os\n{{!base}}${7*7}#{7*7}"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1")
FORGED = "x\n2026-01-01T00:00:00.000Z INFO aiproxy forged\r\u2028\u0085\x1b[2J\u202e"
ADDRESSES = ("href", "src", "action", "formaction", "poster")


class Page(HTMLParser):
    """What a browser would make of a page, as far as it could run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.problems.append(f"<{tag} {name}>")
            elif name in ADDRESSES and not _is_here(text):
                self.problems.append(f"<{tag} {name}={text[:60]}>")
        if tag in ("iframe", "object", "embed", "base", "style"):
            self.problems.append(f"<{tag}>")
        if tag == "script" and not dict(attrs).get("src"):
            self.problems.append("an inline script")


def _is_here(address: str) -> bool:
    return address.startswith(("/", "#", "?", "data:image/")) and address[:2] != "//"


@pytest.fixture(scope="module")
def poisoned(server: RealServer) -> Iterator[tuple[RealServer, list[str]]]:
    """Hostile text in every field that anybody can fill; the pages to look at."""
    with ScriptedUpstream(judge=False) as upstream:
        paths = poison(server, upstream)
        yield server, paths


def poison(server: RealServer, upstream: ScriptedUpstream) -> list[str]:
    made = server.add_provider(
        name=XSS,
        slug="poison",
        endpoint=f"{upstream.url}/v1",
        api_key=upstream.key,
        default_model=XSS,
        model_haiku=XSS,
        model_map={XSS: XSS},
        extra_body={XSS: XSS},
        custom_headers={"X-Plain": XSS},
        ca_file="",
    )
    number = made["id"]
    server.script("POST", f"/provider/activate/{number}", {})
    ok = (200, 201)
    alias = {"alias": "poison-alias", "provider_id": number, "model": XSS}
    assert server.script("POST", "/alias/new", alias).status in ok
    key = {"name": XSS}
    assert server.script("POST", "/profile/keys/new", key).status in ok
    prompt = {"prompt_template": TEMPLATE + XSS, "system_name": XSS[:200]}
    assert server.script("POST", "/prompt-config", prompt).status in ok
    outsider = Outsider(server)
    for n, text in enumerate((XSS, TEMPLATE, FORGED, *FORMULAS)):
        message = {"role": "user", "content": text}
        body = {"model": text, "max_tokens": 9, "messages": [message]}
        body["metadata"] = {"user_id": json.dumps({"session_id": text})}
        plain = "".join(c for c in text if " " <= c <= "~")
        headers = {
            "User-Agent": plain,
            "x-claude-code-session-id": plain,
            "x-claude-code-agent-id": plain,
        }
        if n % 2:
            upstream.say(Reply(fault=refuse(400, text)))
        for path in ("/v1/messages/poison-alias", "/v1/messages/poison"):
            outsider.post_json(path, body, headers if n % 3 else {})
        outsider.post_json("/v1/messages/%3Cscript%3E%22%0a=x", body)
    rows = _wait_for_rows(server, 20)
    return [
        "/",
        "/?range=7d",
        "/providers",
        f"/provider/edit/{number}",
        "/aliases",
        "/aliases?edit=1",
        "/prompt-config",
        "/prompt-config?part=preview",
        "/settings",
        "/users",
        "/users?edit=1",
        "/profile",
        "/connect?alias=poison-alias",
        "/help",
        "/logs?range=all&per_page=100",
        "/usage?range=all&group_by=model,session,key,provider",
        *(f"/logs/{row['id']}" for row in rows),
    ]


def _wait_for_rows(server: RealServer, number: int) -> list[dict[str, Any]]:
    """They are written a moment after the answer."""

    def rows() -> list[dict[str, Any]]:
        return list(server.script("GET", "/logs?per_page=100").json()["requests"])

    wait_until(lambda: len(rows()) >= number)
    return rows()


def test_no_page_runs_what_somebody_wrote(poisoned):
    server, paths = poisoned
    visitor = Visitor(server)
    visitor.log_in("admin", ADMIN_PASSWORD)
    for path in paths:
        answer = visitor.get(path)
        assert answer.status == 200, (path, answer.status)
        assert Page(answer.text).problems == [], path
        assert "<script src=//evil>" not in answer.text, path
        assert "<img onerror" not in answer.text, path
        assert ">49<" not in answer.text, path


@pytest.mark.parametrize(
    "path",
    [
        "/{0}",
        "/login?next={0}",
        "/login?next=javascript:alert(1)",
        "/logs?q={0}",
        "/logs?provider={0}&model={0}&user={0}&key={0}&alias={0}",
        "/logs?since={0}&until={0}&page={0}",
        "/logs/{0}",
        "/usage?group_by={0}",
        "/usage?since={0}",
        "/?range={0}",
        "/connect?alias={0}",
        "/connect?shell={0}&with={0}",
        "/provider/new?preset={0}",
        "/users?edit={0}",
        "/aliases?edit={0}",
        "/prompt-config?part={0}",
        "/help?{0}={0}",
    ],
)
def test_no_address_runs_in_its_page(outsider: Outsider, server, path):
    visitor = Visitor(server)
    visitor.log_in("admin", ADMIN_PASSWORD)
    for text in (
        "%3Cscript%3Ex%3C/script%3E",
        "%22%20onfocus=x%20%22",
        "%7B%7B7*7%7D%7D",
    ):
        for browser in (visitor, Visitor(server)):
            answer = browser.get(path.format(text))
            assert answer.status < 500
            if answer.headers["content-type"].startswith("text/html"):
                assert Page(answer.text).problems == []
            assert (
                "<script>x" not in answer.text
                or "json" in answer.headers["content-type"]
            )


def _cells(answer: Answer) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]


@pytest.mark.parametrize(
    "path",
    [
        "/logs/export?format=csv",
        "/usage?format=csv&range=all&group_by=model,session,key,user,provider",
    ],
)
def test_no_cell_is_a_formula(poisoned, path):
    server, _ = poisoned
    cells = _cells(server.script("GET", path))

    assert any("cmd|" in cell for cell in cells)
    for cell in cells:
        is_number = cell.lstrip("-").replace(".", "").isdecimal()
        assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell


def test_an_event_is_one_line_of_the_log(poisoned):
    server, _ = poisoned
    text = (server.folder / "logs" / "aiproxy.log").read_text(encoding="utf-8")

    assert "forged" in text
    for line in text.split("\n")[:-1]:
        assert line.isprintable(), repr(line)
        assert not line.startswith("2026-01-01T00:00:00.000Z")
    for line in server.lines:
        assert line.isprintable(), repr(line)


def test_a_custom_prompt_is_text_and_no_program(poisoned):
    server, _ = poisoned
    preview = {"prompt_template": TEMPLATE, "system": "{{7*7}} {{ENV_INFO}}"}
    answer = server.script("POST", "/prompt-config/preview", preview)

    assert answer.status == 200
    assert "49" not in answer.json()["system"]
    assert "{{7*7}}" in answer.json()["system"]


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def test_every_page_carries_the_policy(poisoned):
    server, paths = poisoned
    visitor = Visitor(server)
    answers = [visitor.get(path) for path in ("/login", "/nothing", "/", "/logout")]
    visitor.log_in("admin", ADMIN_PASSWORD)
    answers += [visitor.get(path) for path in paths]
    answers += [visitor.post("/provider/new", name=""), visitor.get("/logs/export")]
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


REDIRECTS = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http://evil.example",
    "/%09/evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/\r\nLocation: http://evil",
    "/\u2028x",
    "",
    ".",
    "///evil.example",
    "/x\0",
)


@pytest.mark.parametrize("target", REDIRECTS)
def test_a_login_leads_nowhere_else(outsider: Outsider, server, target):
    body = {"username": "admin", "password": ADMIN_PASSWORD, "next": target}
    headers = {"Accept": "text/html"}
    answer = outsider.post_json("/login", body, headers)

    assert answer.status == 303
    place = answer.headers["location"]
    assert place == "/" or (place == target and place.startswith("/%09/"))


@pytest.mark.parametrize(
    "path",
    ["//evil.example/%2e%2e", "/\\evil.example", "/logs?next=//evil", "/%5c%5cevil"],
)
def test_a_stranger_is_led_to_the_login_here(outsider: Outsider, path):
    answer = outsider.ask("GET", path, "Accept: text/html")

    place = answer.headers.get("location", "/login")
    assert place.startswith("/login")


@pytest.mark.parametrize(
    "path",
    [
        "/usage?group_by=%ff",
        "/usage?group_by=password_hash",
        "/usage?since=1e9",
        "/usage?until=2026-13-45",
        "/logs?page=0",
        "/logs?page=99999999999999999999",
        "/logs?page=%D9%A1",
        "/logs?per_page=501",
        "/logs?per_page=-1",
        "/logs?since=%ff",
        "/logs?q=%00",
        "/logs?since=NaN",
        "/logs?q=" + "a" * 300,
        "/logs/export?format=exe",
        "/logs/export?since=yesterday",
        "/?measure=evil",
        "/logs/req_" + "0" * 24,
        "/logs/req_%27%20or%201=1",
        "/logs/..",
        "/provider/edit/0",
        "/provider/edit/-1",
        "/provider/edit/1e1",
        "/provider/edit/" + "9" * 30,
        "/provider/models/" + "9" * 5000,
        "/users?edit=0",
        "/users?edit=%27",
        "/aliases?edit=" + "9" * 30,
        "/connect?alias=nobody",
        "/connect?alias=%00",
    ],
)
def test_odd_values_are_404_or_422(outsider: Outsider, server, path):
    for accept in ("text/html", "application/json"):
        key = f"Authorization: Bearer {server.admin_key}"
        answer = outsider.ask("GET", path, key, f"Accept: {accept}")
        assert answer.status in (404, 422), (answer.status, answer.body[:200])
        for word in ("Traceback", "sqlite", "SELECT", ".py", "bottle"):
            assert word.encode() not in answer.body


def test_an_error_page_is_a_sentence_and_an_id(outsider: Outsider):
    answer = outsider.ask("GET", "/nothing", "Accept: text/html")

    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["request-id"] in answer.text
