"""Content blocks in the order in which they become visible, one open at a time.

A block opens with its first visible delta and closes when another kind begins. What
is not certain yet is held: whitespace that nothing follows, what may become a think
tag, a stop sequence or the rest of a character.
"""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from aiproxy.protocol import chat, reasoning
from aiproxy.protocol.block_writer import BlockWriter
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.stop_sequences import StopSequenceFilter
from aiproxy.protocol.surrogates import Joiner
from aiproxy.protocol.think_tags import Run, ThinkTagSplitter
from aiproxy.protocol.thoughts import Thoughts, split_leading_sealed

_FIELDS = "fields"  # the source of a thought that came in fields of the delta


class Blocks:
    """Text, thoughts, searches and tool uses, each written when its turn comes."""

    def __init__(self, reply: ReplyContext, writer: BlockWriter) -> None:
        self.written = 0  # grows with everything that is written
        self.searches = 0
        self._reply = reply
        self._writer = writer
        self._tags = ThinkTagSplitter()
        self._stops = StopSequenceFilter(reply.stop_sequences)
        self._joiner = Joiner()
        self._blank: list[str] = []  # whitespace before a text that may come
        self._thoughts = Thoughts(reply.reasoning_key)
        self._blank_thought: list[str] = []
        self._source = ""  # where the open block's thought comes from
        self._citations: dict[str, str] = {}  # pages to be shown
        self._cited: set[str] = set()

    @property
    def stop_sequence(self) -> str | None:
        """The sequence that ended the text; nothing counts after it."""
        return self._stops.matched

    @property
    def plain_field(self) -> str:
        """The field whose text may go straight to the writer; empty for none."""
        if self._joiner.held or self._stops.is_holding:
            return ""  # what is held has to go first
        if self._writer.kind == "text":
            is_settled = self._tags.is_decided and not self._reply.stop_sequences
            return chat.CONTENT if is_settled else ""
        if self._is_thinking(_FIELDS) and not self._thoughts.has_sealed:
            return self._thoughts.only_field
        return ""

    def think_on(self, field: str, text: str) -> None:
        """More of the open thought, from its only field."""
        self._thoughts.append(field, text)

    # -- text

    def text(self, text: str) -> None:
        """A piece of the content."""
        self._take_runs(self._tags.feed(self._joiner.feed(text)))

    def cite(self, citations: Sequence[tuple[str, str]]) -> None:
        """Pages that a search found; shown before the text, or else at the end."""
        for url, title in citations:
            if url not in self._cited:
                self._cited.add(url)
                self._citations[url] = title

    def end_text(self) -> None:
        """Something else comes: what was held can become nothing but text."""
        if self._joiner.held:
            self._take_runs(self._tags.feed(self._joiner.flush()))
        self._take_runs(self._tags.flush())
        self._say(self._stops.flush())

    def _take_runs(self, runs: Sequence[Run]) -> None:
        for run in runs:
            if run.is_thought:
                self._show_thought(run.text, self._tags.field)
            else:
                self._say(self._stops.feed(run.text))

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._writer.kind != "text":
            if text.isspace():
                self._blank.append(text)
                return
            self.close()
            if not self.searches:
                self._show_search()
            self._open({"type": "text", "text": ""})
            text = "".join(self._blank) + text
            self._blank = []
        self.write(text)

    # -- thoughts

    def think(
        self,
        found: Sequence[tuple[str, str]],
        details: Sequence[Mapping[str, Any]],
        is_whole: bool,
    ) -> None:
        """What the reasoning fields of one delta hold: (field, text) and details."""
        self._tags.ignore_tags()
        texts = []
        for field, text in found:
            if field == reasoning.DETAILS and len(found) > 1:
                # Beside a field with the text the details only repeat it.
                self._thoughts.is_beside(field)
            else:
                texts.append(self._thoughts.new_text(field, text))
        sealed, rest = split_leading_sealed(details)
        self._keep(sealed, is_whole=is_whole)
        self._show_thought("".join(texts), _FIELDS)
        if self._is_thinking(_FIELDS):
            for field, _ in found:
                if field != reasoning.DETAILS or len(found) == 1:
                    self._thoughts.stood_in(field)
        self._keep(rest, is_whole=is_whole)

    def thinking_part(self, text: str) -> None:
        """A thought among the parts of the content (Magistral)."""
        self._tags.ignore_tags()
        self._show_thought(
            self._thoughts.new_text(reasoning.PARTS, text), reasoning.PARTS
        )

    def _keep(self, details: Sequence[Mapping[str, Any]], *, is_whole: bool) -> None:
        belongs = self._is_thinking(_FIELDS) or bool(self._blank_thought)
        for detail in details:
            is_sealed = not belongs or bool(detail.get("data"))
            self._thoughts.keep(detail, sealed=is_sealed, is_whole=is_whole)

    def _show_thought(self, text: str, source: str) -> None:
        if not text:
            return
        if source in {_FIELDS, reasoning.PARTS} and not text.isspace():
            self.end_text()
            if self.stop_sequence is not None:
                return
        # A sealed item that came in between keeps its place.
        if not self._is_thinking(source) or self._thoughts.has_sealed:
            self._blank_thought.append(text)
            if text.isspace():
                return
            text = "".join(self._blank_thought)
            self._blank_thought = []
            self.close()
            self._open({"type": "thinking", "thinking": "", "signature": ""})
            self._source = source
            self._thoughts.begin_block()
            if source != _FIELDS:
                self._thoughts.stood_in(source)
        self._thoughts.grow_block(text)
        self.write(text)

    def _is_thinking(self, source: str) -> bool:
        return self._writer.kind == "thinking" and self._source == source

    # -- tool uses

    def open_call(
        self, name: str, client_id: str, extra: Mapping[str, Any] | None
    ) -> None:
        """A tool use begins; what must come back with it goes before it."""
        self.end_text()
        self.close()
        if extra:
            self.keep_for_call(client_id, extra)
        self._open({"type": "tool_use", "id": client_id, "name": name, "input": {}})

    def keep_for_call(self, client_id: str, extra: Mapping[str, Any]) -> None:
        """A call's `extra_content`, in a block of its own."""
        self.close()
        self._seal({client_id: extra})

    # -- the blocks themselves

    def write(self, text: str) -> None:
        """More of the open block."""
        self.written += 1
        self._writer.add(text)

    def close(self) -> None:
        """End the open block; opaque items that waited for it follow."""
        if self._writer.kind == "thinking":
            half = self._thoughts.flush()
            if half:
                self._thoughts.grow_block(half)
                self.write(half)
            self._writer.close(self._thoughts.signature())
        elif self._writer.kind:
            self._writer.close()
        if self._thoughts.has_sealed:
            self._seal({})

    def finish(self) -> None:
        """The answer is over: all that was held goes out."""
        self.end_text()
        self.close()
        self._thoughts.unshown()
        self.close()
        self._show_search()

    def _open(self, content_block: Mapping[str, Any]) -> None:
        self.written += 1
        self._writer.open(content_block)

    def _seal(self, calls: Mapping[str, Mapping[str, Any]]) -> None:
        envelope = self._thoughts.sealed_envelope(calls)
        self._open({"type": "redacted_thinking", "data": envelope})
        self._writer.close()

    def _show_search(self) -> None:
        """What a search of the provider's found, as a search of the client's."""
        if not self._citations:
            return
        search_id = f"srvtoolu_aip{self._reply.nonce}_{self.searches}"
        self.searches += 1
        self._open(
            {
                "type": "server_tool_use",
                "id": search_id,
                "name": "web_search",
                "input": {},
            }
        )
        self.write(json.dumps({"query": self._reply.search_query or ""}))
        self._writer.close()
        results = [
            {
                "type": "web_search_result",
                "url": url,
                "title": title,
                "encrypted_content": "",
                "page_age": None,
            }
            for url, title in self._citations.items()
        ]
        self._citations = {}
        self._open(
            {
                "type": "web_search_tool_result",
                "tool_use_id": search_id,
                "content": results,
            }
        )
        self._writer.close()
