"""What a tool message holds, and what follows it."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.errors import InvalidRequest
from tests.protocol.translating import (
    PDF,
    PNG,
    assistant,
    call,
    image,
    pdf,
    result,
    target,
    text,
    translated,
    user,
)


def answered(*blocks: Any, name: str = "Read", to: Any = None) -> list[dict[str, Any]]:
    """The messages behind the one call `toolu_1`."""
    messages = translated(
        user("go"), assistant(call("toolu_1", name)), user(*blocks), to=to
    )
    return messages[2:]


def tool_text(block: dict[str, Any]) -> Any:
    (message,) = answered(block, text(""))
    assert message["role"] == "tool"
    assert message["tool_call_id"] == "toolu_1"
    return message["content"]


def test_a_string_is_the_content() -> None:
    assert tool_text(result("toolu_1", "file\nline")) == "file\nline"


def test_texts_are_joined_by_a_newline() -> None:
    assert tool_text(result("toolu_1", text("a"), text("b"))) == "a\nb"


@pytest.mark.parametrize(
    "block",
    [
        result("toolu_1"),
        result("toolu_1", None),
        result("toolu_1", ""),
        result("toolu_1", " \n"),
        result("toolu_1", []),
        result("toolu_1", text("")),
        result("toolu_1", {"type": "of_next_month"}),
        result("toolu_1", {"type": "redacted_thinking", "data": "x"}),
    ],
)
def test_nothing_to_see_is_said(block: dict[str, Any]) -> None:
    assert tool_text(block) == "(no output)"


def test_errors_say_that_they_are() -> None:
    assert tool_text(result("toolu_1", "no file", is_error=True)) == "Error: no file"
    assert tool_text(result("toolu_1", is_error=True)) == "Error: (no output)"
    assert tool_text(result("toolu_1", "fine", is_error=False)) == "fine"
    assert tool_text(result("toolu_1", "fine", is_error=None)) == "fine"


def test_a_loaded_tool_is_named() -> None:
    references = [
        {"type": "tool_reference", "tool_name": name} for name in ("WebFetch", "Skill")
    ]

    assert (
        tool_text(result("toolu_1", *references)) == "Loaded: WebFetch\nLoaded: Skill"
    )


def test_documents_and_results_of_text_stay_in_the_message() -> None:
    document = {
        "type": "document",
        "title": "T",
        "source": {"type": "text", "data": "d"},
    }
    found = {
        "type": "search_result",
        "title": "t",
        "source": "s",
        "content": [text("c")],
    }

    assert tool_text(result("toolu_1", document, found)) == (
        '<document title="T">\nd\n</document>\nt\ns\nc'
    )


def test_pictures_follow_behind_all_tool_messages() -> None:
    messages = translated(
        user("go"),
        assistant(call("toolu_1", "Read"), call("toolu_2", "Bash")),
        user(
            text("first the pictures"),
            result("toolu_1", text("scaled"), image(), image()),
            result("toolu_2", "done"),
        ),
    )

    assert [message["role"] for message in messages[1:]] == [
        *("assistant", "tool", "tool", "user")
    ]
    shown, done, after = messages[2:]
    assert shown["content"].startswith("scaled\n")
    assert "image 1" in shown["content"]
    assert "image 2" in shown["content"]
    assert done["content"] == "done"
    kinds = [part["type"] for part in after["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert "Read (toolu_1)" in after["content"][0]["text"]
    assert after["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    assert after["content"][4]["text"] == "first the pictures"


def test_a_picture_alone_leaves_a_placeholder() -> None:
    shown, after = answered(result("toolu_1", image()))

    assert shown["content"].strip()
    assert after["content"][-1]["type"] == "image_url"


def test_a_pdf_in_a_result_follows_as_a_file() -> None:
    shown, after = answered(result("toolu_1", text("PDF read"), pdf(title="p.pdf")))

    assert shown["content"].startswith("PDF read\n[document 1")
    assert after["content"][-1]["file"] == {
        "filename": "p.pdf",
        "file_data": f"data:application/pdf;base64,{PDF}",
    }


def test_an_error_with_a_picture_is_an_error() -> None:
    shown, _ = answered(result("toolu_1", image(), is_error=True))

    assert shown["content"].startswith("Error: ")


def test_a_label_names_the_call_as_the_upstream_knows_it() -> None:
    shown, _, after = answered(
        result("toolu_1", image()), name="a.b", to=target(dialect="mistral")
    )

    assert f"a_b ({shown['tool_call_id']})" in after["content"][0]["text"]


@pytest.mark.parametrize("content", [5, True, {"type": "text", "text": "x"}, ["x"]])
def test_content_that_cannot_be_understood_is_refused(content: Any) -> None:
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}

    with pytest.raises(InvalidRequest, match=r"^messages\.2\.content\.0\.content"):
        answered(block)
