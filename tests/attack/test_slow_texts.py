"""Texts made to make something slow that holds Python's lock, so that all wait.

Regular expressions, and Unicode's order of combining marks. A quarter of a megabyte
each; what takes quadratic time on one of them would need minutes, and four times that
for an error as large as a provider's may be.
"""

from __future__ import annotations

import json
import time
from typing import Any, Iterator
from urllib.parse import quote

import pytest

from aiproxy.errors import AIProxyError
from aiproxy.protocol import from_chat, healing, prompt, token_count, upstream_errors
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import build_chat_request
from tests.support import Site

pytestmark = pytest.mark.once

SIZE = 1 << 18
PIECES = (
    *(
        "a",
        "a ",
        "\n",
        " ",
        "1",
        "1,",
        "1m",
        ".",
        "_",
        "-",
        "{",
        "[",
        '"',
        "'",
        "`",
        "\\",
    ),
    *("<", "<a ", "</", "&lt;", "<think>", "<env>", "<system-reminder>", "```\n", "* "),
    *(
        "sk-.",
        "sk-a.",
        "bearer ",
        "eyJaaaaaaaa.",
        "AIza",
        "x-anthropic-billing-header: ",
    ),
    *("prompt is too long: ", "maximum context length is ", "1 tokens > ", "tokens "),
    *("messages.", "messages[", "tools.0.", "parameters.", "unsupported parameter: "),
    *(
        "is not supported ",
        "no endpoints ",
        "upstream ",
        "insufficient ",
        "role system ",
    ),
    *(
        "\u0315\u0300",
        "\u1100\u1161",
        "\u0149",
        "//a:",
        "//a@",
        "http://",
        "%",
        "&",
        "=",
    ),
    *("try again in ", "image ", "keyword ", "Claude Code ", "You are Claude ", "# "),
)
TARGET = Target.of(endpoint="https://llm.example/v1", model="m")
CUSTOM = PromptConfig(
    use_custom_prompt=True,
    prompt_template="{{SYSTEM}} {{ENV_INFO}}",
    remove_ai_references=True,
    remove_defensive_restrictions=True,
)
SENT = {"max_tokens": 5, "temperature": 1, "messages": []}
REPLY = ReplyContext(model="m", message_id="msg_1", nonce="n", input_estimate=1)


def text_of(piece: str, size: int = SIZE) -> str:
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_no_error_of_a_provider_takes_long(piece):
    error = {"message": text_of(piece), "type": "invalid_request_error"}
    for body in (
        error["message"].encode(),
        json.dumps({"error": error}).encode(),
        json.dumps({"type": "error", "error": error}).encode(),
    ):
        for api_format in ("openai", "anthropic"):
            upstream_errors.to_error(
                429, {}, body, secrets=("sk-0123456789",), api_format=api_format
            )
            healing.learn(400, body, SENT, api_format=api_format)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_no_message_of_a_client_takes_long(piece):
    text = text_of(piece, SIZE // 2)
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"a": text}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": text}
    request: dict[str, Any] = {
        "model": "m",
        "max_tokens": 9,
        "system": text,
        "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result, {"type": "text", "text": text}]},
        ],
    }

    build_chat_request(request, TARGET)
    token_count.count(request)
    prompt.apply(request, CUSTOM, upstream_model="m", client_headers={})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_no_answer_of_a_provider_takes_long(piece):
    text = text_of(piece)
    call = {"id": "1", "function": {"name": "a", "arguments": text}}
    for message in ({"content": text}, {"tool_calls": [call]}):
        body = json.dumps({"choices": [{"message": message}]}).encode()
        try:
            from_chat.translate_answer(body, REPLY)
        except AIProxyError as exc:
            assert exc.status == 502  # noqa: PT017 - either is fine, if it is quick


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("forms"))
    yield site
    site.close()


FORMS = {
    "/login": ("username", "password", "next"),
    "/profile": ("current_password", "new_password", "confirm_password"),
    "/profile/keys/new": ("name", "expires_in_days"),
    "/user/new": ("username", "password", "role"),
    "/alias/new": ("alias", "model", "prompt"),
    "/provider/new": ("name", "slug", "endpoint", "http_proxy", "custom_headers"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", PIECES)
def test_no_form_takes_long(site: Site, piece):
    text = text_of(piece, SIZE // 4)  # as many as a body takes of the longest
    script = site.script()
    began = time.process_time()
    site.services.login_guard.unlock()
    for path, names in FORMS.items():
        answer = script.post(path, dict.fromkeys(names, text))
        assert answer.status in (401, 422), answer.text[:200]
    for path in ("/logs", "/usage", "/connect", "/users"):
        asked = quote(text[:2000])
        names = ("q", "since", "alias", "edit", "group_by")
        query = "&".join(f"{name}={asked}" for name in names)
        assert script.get(f"{path}?{query}").status in (200, 404, 422)
    assert time.process_time() - began < 3  # of what takes a tenth
