"""Ordinary turns of the real client: text, tools, files, thinking, counts."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from typing import Any

import pytest

from tests.claude_code.conftest import Setup
from tests.scripted_upstream import Ask, Call, Reply

pytestmark = [pytest.mark.claude_code]

THOUGHT = "First I run the command, then I read what it says."


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "A step of the test"})


def png() -> bytes:
    """A red square, byte for byte what the model should see."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([200, 30, 30]) * 8 for _ in range(8))
    image = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + image + chunk(b"IEND", b"")


def pdf() -> bytes:
    """One empty page."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + table
    return out + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


def test_a_question_gets_the_models_text_and_its_usage(setup: Setup) -> None:
    text = "The answer is 42 — naïve, 日本語, 👍."
    setup.upstream.say(Reply(text=text, prompt_tokens=12345, cached_tokens=2345))

    run = setup.client.run("What is the answer?")

    assert run.succeeded
    assert run.text == text
    usage = run.result["usage"]
    assert usage["input_tokens"] == 10000
    assert usage["cache_read_input_tokens"] == 2345
    assert [ask.model for ask in setup.upstream.asks] == ["tier-opus"]


def test_a_tool_call_runs_and_its_result_goes_back(setup: Setup) -> None:
    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(text=f"It said {ask.tool_results[0][1]}")
        return Reply(text="I run it.", calls=(bash("echo from-the-tool"),))

    setup.script(script)

    run = setup.client.run("Run it", "--allowedTools", "Bash")

    assert run.text == "It said from-the-tool"
    assert list(run.tool_results().values()) == ["from-the-tool"]


def test_three_interleaved_calls_run_each_with_its_own_arguments(setup: Setup) -> None:
    words = ("one", "two", "three")

    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(text=" ".join(sorted(text for _, text in ask.tool_results)))
        calls = tuple(
            bash(f"echo {word} > {word}.txt; echo ran-{word}") for word in words
        )
        return Reply(calls=calls, interleave=True)

    setup.script(script)

    run = setup.client.run("Run all three", "--allowedTools", "Bash")

    assert run.text == "ran-one ran-three ran-two"
    for word in words:
        assert (setup.folder / f"{word}.txt").read_text() == f"{word}\n"
    commands = {use["id"]: use["input"]["command"] for use in run.blocks("tool_use")}
    for id_, result in run.tool_results().items():
        assert result in commands[id_]


def test_a_picture_and_a_pdf_reach_the_model_byte_for_byte(setup: Setup) -> None:
    files = {"dot.png": png(), "page.pdf": pdf()}
    for name, content in files.items():
        (setup.folder / name).write_bytes(content)

    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(text="I looked.")
        paths = [str(setup.folder / name) for name in files]
        return Reply(calls=tuple(Call("Read", {"file_path": path}) for path in paths))

    setup.script(script)

    run = setup.client.run("Look at both files", "--allowedTools", "Read")

    assert run.text == "I looked."
    sent = json.dumps(setup.upstream.asks[-1].messages)
    for content in files.values():
        assert base64.b64encode(content).decode() in sent


def test_thoughts_are_shown_and_given_back_to_the_provider(setup: Setup) -> None:
    def script(ask: Ask) -> Reply:
        if ask.tool_results:
            return Reply(text="done")
        return Reply(thinking=THOUGHT, text="Now.", calls=(bash("echo x"),))

    setup.script(script)

    run = setup.client.run("Think, then run", "--allowedTools", "Bash")

    assert run.text == "done"
    assert [block["thinking"] for block in run.blocks("thinking")] == [THOUGHT]
    turn = [m for m in setup.upstream.asks[-1].messages if m["role"] == "assistant"][-1]
    assert _thoughts(turn) == [THOUGHT]


def _thoughts(message: Any) -> list[str]:
    if "reasoning_content" in message:
        return [message["reasoning_content"]]
    content = message["content"] if isinstance(message["content"], list) else []
    return [block["thinking"] for block in content if block["type"] == "thinking"]


def test_two_hundred_kilobytes_of_text_arrive_whole(setup: Setup) -> None:
    line = "Ein längerer Satz, 漢字 und \U0001f600: {number}.\n"
    text = "".join(line.replace("{number}", str(n)) for n in range(6000)).strip()
    assert len(text.encode()) > 200_000
    setup.upstream.say(Reply(text=text, chunk_chars=200))

    run = setup.client.run("Write a lot")

    assert run.text == text


def test_the_context_command_counts_without_asking_a_model(setup: Setup) -> None:
    run = setup.client.run("/context")

    assert run.succeeded
    assert "Context Usage" in run.text
    numbers = re.findall(r"System prompt \| ([0-9.]+)k", run.text)
    assert float(numbers[0]) > 1
    assert setup.upstream.asks == []
