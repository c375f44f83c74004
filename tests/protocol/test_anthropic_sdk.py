"""A vendor's own SDK judges every stream of ours.

Each recorded stream is served over a socket to the real `anthropic` client.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import golden

anthropic = pytest.importorskip("anthropic", reason="for newer Pythons")

ERRORS = [case for case in golden.CASES if golden.expected(case).startswith(b"HTTP ")]
STREAMS = [case for case in golden.CASES if case not in ERRORS]
ASKED = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hello"}],
}


class Recorded(BaseHTTPRequestHandler):
    """Answers with the stream or error of the case that the path names."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body, status, kind = (
            golden.expected(self.path.split("/")[1]),
            200,
            "event-stream",
        )
        if body.startswith(b"HTTP "):
            head, _, body = body.partition(b"\n\n")
            status, kind = int(head.split()[1]), "json"
        self.send_response(status)
        self.send_header(
            "content-type", f"{'text' if status == 200 else 'application'}/{kind}"
        )
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(address):
    def make(case):
        return anthropic.Anthropic(
            base_url=f"{address}/{case}", api_key="k", max_retries=0
        )

    return make


def final_message(sdk):
    with sdk.messages.stream(**ASKED) as stream:
        return stream.get_final_message()


def blocks_in(expected):
    """What the events say, read by nobody's library."""
    blocks = {}
    for line in expected.split(b"\n"):
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[6:])
        if event["type"] == "content_block_start":
            blocks[event["index"]] = [event["content_block"]["type"], ""]
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            for name in ("text", "thinking", "partial_json"):
                blocks[event["index"]][1] += delta.get(name, "")
    return list(blocks.values())


@pytest.mark.parametrize("case", STREAMS)
def test_the_anthropic_sdk_reads_each_stream(client, case):
    expected = golden.expected(case)
    with client(case) as sdk, sdk.messages.stream(**ASKED) as stream:
        if b"event: error" in expected:
            with pytest.raises(anthropic.APIError):
                stream.get_final_message()
            return
        message = stream.get_final_message()

    assert message.stop_reason
    said = blocks_in(expected)
    assert [block.type for block in message.content] == [kind for kind, _ in said]
    for block, (kind, text) in zip(message.content, said):
        if kind == "text":
            assert block.text == text
        elif kind == "tool_use":
            assert block.input == (json.loads(text) if text else {})
    assert message.usage.output_tokens >= 0


@pytest.mark.parametrize("case", ERRORS)
def test_the_anthropic_sdk_knows_each_error(client, case):
    with client(case) as sdk, pytest.raises(anthropic.APIStatusError) as caught:
        final_message(sdk)

    assert caught.value.body["type"] == "error"
