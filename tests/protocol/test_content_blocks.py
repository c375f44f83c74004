"""Each kind of block, in each place where it may stand."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec
from tests.protocol.translating import (
    PDF,
    PNG,
    assistant,
    body,
    call,
    image,
    pdf,
    result,
    system,
    target,
    text,
    tool,
    translated,
    user,
)

CLAUDE = target("anthropic/claude-opus-4.5", "openrouter")
MARK = {"type": "ephemeral"}
IMAGE_PART = {
    "type": "image_url",
    "image_url": {"url": f"data:image/png;base64,{PNG}"},
}


def content(*blocks: Any, to: Any = None) -> Any:
    """The content of the one user message that these blocks become."""
    (message,) = translated(user(*blocks), to=to)
    assert message["role"] == "user"
    return message["content"]


def document(source: Any, **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


# --- text


def test_text_alone_is_one_string() -> None:
    assert content("hello") == "hello"
    assert content(text("a"), text("b")) == "a\n\nb"
    assert content(text("  indented\n")) == "  indented\n"


def test_nothing_empty_is_sent() -> None:
    assert (
        content(text(""), text("a"), text(None), text(" \n"), {"type": "text"}) == "a"
    )
    assert content(image(), text("")) == [IMAGE_PART]


def test_characters_arrive_as_they_are() -> None:
    words = 'astral 😀, line \u2028 separator, "quotes", \\u0041, tab\t, nul \x00'

    assert content(words) == words


@pytest.mark.parametrize("lone", ["\ud83d", "a\udc00b", "\ud83d\ud83d"])
def test_lone_surrogates_become_replacement_characters(lone: str) -> None:
    raw = json_codec.encode(body(user(lone), assistant(call("1", x=lone)), user("b")))

    assert b"\\ud" not in raw
    assert "\ufffd" in raw.decode("utf-8")


def test_lone_surrogates_in_escapes_become_replacement_characters() -> None:
    request = json_codec.decode(
        b'{"max_tokens": 1, "messages": [{"role": "user", "content": "a\\ud83d b'
        b'\\ud83d\\ude00"}]}'
    )
    sent = json_codec.encode(body(*request["messages"]))

    assert "a\ufffd b😀" in sent.decode("utf-8")


def test_text_that_is_no_string_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^messages\.0\.content\.0\.text"):
        content({"type": "text", "text": 5})


# --- pictures and documents


def test_pictures_stand_in_a_list_in_order() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}}

    assert content("before", image(), "between", url) == [
        {"type": "text", "text": "before"},
        IMAGE_PART,
        {"type": "text", "text": "between"},
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
    ]


def test_a_picture_says_of_what_kind_it_is() -> None:
    source = {"type": "base64", "media_type": "image/webp", "data": "AAAA"}

    (part,) = content({"type": "image", "source": source})

    assert part["image_url"]["url"] == "data:image/webp;base64,AAAA"


def test_a_pdf_is_a_file_and_never_a_picture() -> None:
    assert content(pdf(title="paper.pdf"), "read") == [
        {
            "type": "file",
            "file": {
                "filename": "paper.pdf",
                "file_data": f"data:application/pdf;base64,{PDF}",
            },
        },
        {"type": "text", "text": "read"},
    ]
    assert content(pdf())[0]["file"]["filename"] == "document.pdf"


def test_the_context_of_a_pdf_is_not_lost() -> None:
    parts = content(pdf(context="from the archive"))

    assert parts[0] == {"type": "text", "text": "from the archive"}


def test_a_document_at_an_address_is_a_file_where_that_is_taken() -> None:
    block = document({"type": "url", "url": "https://a.example/p.pdf"}, title="P")

    assert content(block, to=target(dialect="openrouter")) == [
        {
            "type": "file",
            "file": {"filename": "P", "file_data": "https://a.example/p.pdf"},
        }
    ]
    assert content(block) == "[document P: https://a.example/p.pdf]"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            document({"type": "text", "media_type": "text/plain", "data": "words"}),
            "<document>\nwords\n</document>",
        ),
        (
            document({"type": "text", "data": "words"}, title="T", context="C"),
            '<document title="T">\nC\nwords\n</document>',
        ),
        (
            document({"type": "text", "data": "w"}, title='say "hi"'),
            '<document title="say &quot;hi&quot;">\nw\n</document>',
        ),
        (
            document({"type": "content", "content": "one string"}, title="T"),
            '<document title="T">\none string\n</document>',
        ),
        (
            document({"type": "content", "content": [text("a"), text("b")]}, title="T"),
            '<document title="T">\na\nb\n</document>',
        ),
        (
            document(
                {
                    "type": "base64",
                    "media_type": "text/plain",
                    "data": base64.b64encode("käse".encode()).decode(),
                }
            ),
            "<document>\nkäse\n</document>",
        ),
    ],
)
def test_text_documents_are_wrapped(block: dict[str, Any], expected: str) -> None:
    assert content(block) == expected


@pytest.mark.parametrize("data", ["%%%", "AAA", "/w=="])
def test_a_text_file_that_cannot_be_read_is_sent_as_it_is(data: str) -> None:
    source = {"type": "base64", "media_type": "text/plain", "data": data}

    (part,) = content(document(source, title="a.txt"))

    assert part["file"] == {
        "filename": "a.txt",
        "file_data": f"data:text/plain;base64,{data}",
    }


def test_pictures_within_a_document_keep_their_place() -> None:
    inside = {"type": "content", "content": [text("a"), image(), text("b")]}

    assert content(document(inside, title="T")) == [
        {"type": "text", "text": '<document title="T">\na'},
        IMAGE_PART,
        {"type": "text", "text": "b\n</document>"},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "file", "file_id": "file_9"}},
        document({"type": "file", "file_id": "file_9"}, title="T"),
        {"type": "container_upload", "file_id": "file_9"},
    ],
)
def test_a_file_that_lies_at_anthropic_is_a_note_with_its_id(block: Any) -> None:
    note = content(block)

    assert "file_9" in note
    assert "Anthropic" in note


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image"},
        {"type": "image", "source": {"type": "base64"}},
        {"type": "image", "source": {"type": "of_next_month"}},
        {"type": "image", "source": {"type": "file"}},
        {"type": "image", "source": {"type": "of_next_month", "file_id": "file_9"}},
        {"type": "document", "source": {}},
        {"type": "document", "source": {"type": "url"}},
    ],
)
def test_what_cannot_be_sent_leaves_a_note(block: Any) -> None:
    assert "not available" in content(block)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": "https://a.example"},
        {"type": "image", "source": {"type": "base64", "data": 5}},
        {"type": "image", "source": {"type": "url", "url": {}}},
        {"type": "document", "source": {"type": "text", "data": []}},
        {"type": "document", "source": {"type": "content", "content": 5}},
    ],
)
def test_sources_of_a_wrong_type_are_refused(block: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^messages\.0\.content\.0\.source"):
        content(block)


# --- the others


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {
                "type": "search_result",
                "source": "https://a.example",
                "title": "T",
                "content": [text("one"), text("two")],
                "citations": {"enabled": True},
            },
            "T\nhttps://a.example\none\ntwo",
        ),
        ({"type": "tool_reference", "tool_name": "WebFetch"}, "Loaded: WebFetch"),
        (
            {
                "type": "web_search_tool_result",
                "content": [{"title": "t", "url": "https://u.example"}],
            },
            "[web_search]\nt: https://u.example",
        ),
        (call("1", "Bash", command="ls"), '[called Bash: {"command":"ls"}]'),
        ({"type": "of_next_month", "text": "its text"}, "its text"),
        ({"text": "no type"}, "no type"),
    ],
)
def test_other_blocks_become_text(block: dict[str, Any], expected: str) -> None:
    assert content(block) == expected


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "t", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "of_next_month", "payload": {"text": "not on top"}},
        {"type": "of_next_month", "text": 5},
        {"type": "of_next_month", "text": " \n"},
        {"type": ["text"], "payload": 1},
        {"type": "tool_reference"},
        {"type": "tool_addition"},
        {},
    ],
)
def test_blocks_without_anything_to_see_vanish(block: dict[str, Any]) -> None:
    assert content(block, "seen") == "seen"


def test_a_picture_in_a_search_result_is_shown() -> None:
    found = {"type": "search_result", "title": "T", "content": [image(), text("a")]}

    assert content(found) == [{"type": "text", "text": "T\na"}, IMAGE_PART]


def test_an_assistant_s_picture_is_only_mentioned() -> None:
    messages = translated(user("draw"), assistant("here", image()), user("thanks"))

    assert messages[1]["content"] == "here\n\n[image]"


def test_a_server_s_blocks_are_the_assistant_s_text() -> None:
    use = {"type": "server_tool_use", "name": "web_search", "input": {"query": "q"}}

    messages = translated(user("find"), assistant(use, "found"), user("more"))

    assert messages[1] == {
        "role": "assistant",
        "content": "[used web_search: q]\n\nfound",
    }


# --- cache marks


def test_marks_go_everywhere_but_to_claude_at_openrouter() -> None:
    for dialect, model in (
        ("generic", "some-model"),
        ("openrouter", "openai/gpt-5"),
        ("generic", "claude-opus-4-5"),
    ):
        sent = body(
            user(text("a", cache_control=MARK)),
            assistant(
                text("b", cache_control=MARK), {**call("1"), "cache_control": MARK}
            ),
            user(result("1", text("c", cache_control=MARK), cache_control=MARK)),
            system=[text("s", cache_control=MARK)],
            tools=[tool("Bash", cache_control=MARK)],
            to=target(model, dialect),
        )

        assert "cache_control" not in json_codec.encode_text(sent)


def test_claude_at_openrouter_keeps_marks_on_lists_of_text_parts() -> None:
    sent = body(
        user("a", text("b", cache_control={**MARK, "ttl": "1h", "scope": "global"})),
        assistant(text("c", cache_control=MARK), {**call("1"), "cache_control": MARK}),
        user(result("1", "d", cache_control=MARK), text("e", cache_control=MARK)),
        system(text("f", cache_control=MARK)),
        system=[text("s"), text("t", cache_control=MARK)],
        tools=[tool("Bash", cache_control=MARK)],
        to=CLAUDE,
    )

    assert [message["content"] for message in sent["messages"]] == [
        [
            {"type": "text", "text": "s"},
            {"type": "text", "text": "t", "cache_control": MARK},
        ],
        [
            {"type": "text", "text": "a"},
            {"type": "text", "text": "b", "cache_control": {**MARK, "ttl": "1h"}},
        ],
        "c",
        [{"type": "text", "text": "d", "cache_control": MARK}],
        [
            {"type": "text", "text": "e", "cache_control": MARK},
            {
                "type": "text",
                "text": "<system-reminder>\nf\n</system-reminder>",
                "cache_control": MARK,
            },
        ],
    ]
    assert "cache_control" not in json_codec.encode_text(sent["tools"])


def test_a_reminder_has_the_last_mark_of_its_texts() -> None:
    long = {"type": "ephemeral", "ttl": "1h"}
    marked = system(text("a", cache_control=MARK), text("b", cache_control=long))

    (message,) = translated(user("u"), marked, to=CLAUDE)

    assert message["content"][1]["cache_control"] == long


def test_a_mark_goes_on_the_last_text_of_its_block() -> None:
    inside = {"type": "content", "content": [text("a"), image(), text("b")]}

    first, _, last = content(document(inside, cache_control=MARK), to=CLAUDE)

    assert last["cache_control"] == MARK
    assert "cache_control" not in first


def test_a_result_whose_call_is_gone_keeps_its_mark() -> None:
    (part,) = content(result("gone", "x", cache_control=MARK), to=CLAUDE)

    assert part["cache_control"] == MARK


def test_a_mark_on_a_picture_alone_has_no_place() -> None:
    (message,) = translated(user("u", image(cache_control=MARK)), to=CLAUDE)

    assert "cache_control" not in json_codec.encode_text(message)


def test_the_shape_does_not_depend_on_the_marks() -> None:
    for to in (target(), CLAUDE):
        plain = translated(user("a"), assistant("b"), user("c"), system="s", to=to)
        for message in plain:
            is_list = to is CLAUDE and message["role"] != "assistant"
            assert isinstance(message["content"], list) == is_list


@pytest.mark.parametrize("odd", [5, "ephemeral", [], {}, {"type": 5}])
def test_an_odd_mark_is_no_mark(odd: Any) -> None:
    (message,) = translated(user(text("a", cache_control=odd)), to=CLAUDE)

    assert message["content"] == [{"type": "text", "text": "a"}]


def test_a_search_for_tools_names_them_as_they_are_offered() -> None:
    long = "mcp__weather__" + "x" * 80
    found = {
        "type": "tool_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": {
            "type": "tool_search_tool_search_result",
            "tool_references": [{"type": "tool_reference", "tool_name": long}],
        },
    }
    sent = body(user("go"), assistant(found), user("on"), tools=[tool(long)])

    offered = sent["tools"][0]["function"]["name"]
    assert len(offered) == 64
    assert sent["messages"][1]["content"] == f"[tool_search]\nLoaded: {offered}"
