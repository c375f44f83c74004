"""Tool calls put together from their pieces, however a provider deals them out.

Most number the calls and send the name first. Some number all of them 0, some not at
all; ids and names may be late, split, repeated, empty or missing.
"""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.errors import UpstreamBroken, UpstreamError
from aiproxy.protocol import tool_ids
from aiproxy.protocol.arguments import ArgumentStream, decode
from aiproxy.protocol.chat import CallPiece
from aiproxy.protocol.reply import ReplyContext
from aiproxy.protocol.surrogates import Joiner

MAX_CALLS = 10_000
_MAX_JOINED = 1024  # characters of a name or an id that comes in pieces


class Call:
    """One call: what is known of it, and what of its arguments may be passed on."""

    def __init__(self) -> None:
        self.id = ""  # the provider's
        self.name = ""  # the provider's
        self.client_id = ""
        self.extra: dict[str, Any] = {}
        self.arguments = ArgumentStream()
        self.opened = False
        self._ready: list[str] = []  # let through, not passed on yet
        self._joiner = Joiner()

    @property
    def is_over(self) -> bool:
        """Nothing of it can come any more."""
        return self.opened and self.arguments.closed

    @property
    def can_open(self) -> bool:
        """Its name is complete: arguments have come, and a name before them."""
        return bool(self.name) and not self.arguments.is_blank

    def add_arguments(self, text: str) -> None:
        """The next piece; raises UpstreamBroken beyond the limit."""
        if text:
            self._ready.append(self.arguments.feed(self._joiner.feed(text)))

    def finish_arguments(self, *, cut: bool) -> str:
        """All that has not been taken, with the end that the arguments get."""
        self._ready.append(self.arguments.feed(self._joiner.flush()))
        return self.take_ready() + self.arguments.finish(cut=cut)

    def take_ready(self) -> str:
        """What may be passed on now."""
        ready = "".join(self._ready)
        self._ready = []
        return ready


class CallTable:
    """Which call a piece belongs to, and the names and ids of all of them."""

    def __init__(self, reply: ReplyContext) -> None:
        self.latest: Call | None = None
        self._reply = reply
        self._by_number: dict[int, Call] = {}
        self._by_id: dict[str, Call] = {}
        self._legacy: Call | None = None
        self._seen = set(reply.seen_tool_ids)  # as the client has them
        self._begun = 0
        self._count = 0  # of those that have an id for the client

    def place(self, piece: CallPiece, *, is_whole: bool = False) -> tuple[Call, bool]:
        """The call of this piece, and whether the piece began it."""
        call = None if is_whole else self._candidate(piece)
        is_new = call is None or (not piece.is_legacy and _begins_another(call, piece))
        if call is None or is_new:
            call = Call()
            self._begun += 1
            if self._begun > MAX_CALLS:
                raise UpstreamBroken(f"the provider made over {MAX_CALLS} tool calls")
        _add_id(call, piece.id)
        self._add_name(call, piece.name)
        self._remember(call, piece)
        return call, is_new

    def client_name(self, call: Call) -> str:
        """The tool as the client named it; one that a model made up passes."""
        return self._reply.tool_names.get(call.name, call.name)

    def client_id(self, call: Call) -> str:
        """An id that is the client's for good: made where the provider gave none."""
        made = tool_ids.to_client(
            call.id or None,
            nonce=self._reply.nonce,
            seen=self._seen,
            number=self._count,
        )
        self._seen.add(made)
        self._count += 1
        return made

    def find_name(self, whole_arguments: str) -> str:
        """The tool of a call without a name, by what is declared; raises if unclear."""
        schemas = self._reply.tool_schemas
        if len(schemas) == 1:
            return next(iter(schemas))
        given = decode(whole_arguments)
        fitting = [name for name, schema in schemas.items() if _fits(schema, given)]
        if len(fitting) != 1:
            raise UpstreamError(
                "the provider sent a tool call without the name of a tool",
                retryable=True,
            )
        return fitting[0]

    def _candidate(self, piece: CallPiece) -> Call | None:
        if piece.is_legacy:
            return self._legacy
        if piece.number is not None:
            return self._by_number.get(piece.number)
        if piece.id:
            return self._by_id.get(piece.id, self.latest)
        return self.latest

    def _remember(self, call: Call, piece: CallPiece) -> None:
        if piece.is_legacy:
            self._legacy = call
        elif piece.number is not None:
            self._by_number[piece.number] = call
        if call.id:
            self._by_id[call.id] = call
        self.latest = call

    def _add_name(self, call: Call, name: str) -> None:
        if not name or call.opened or (name == call.name and self._is_known(name)):
            return
        joined = call.name + name
        if not name.startswith(call.name) or self._begins_known(joined):
            call.name = joined if len(joined) <= _MAX_JOINED else call.name
        else:
            call.name = name  # the same again, or all of it so far

    def _is_known(self, name: str) -> bool:
        return name in self._reply.tool_names or name in self._reply.tool_schemas

    def _begins_known(self, name: str) -> bool:
        known = (*self._reply.tool_names, *self._reply.tool_schemas)
        return any(each.startswith(name) for each in known)


def _add_id(call: Call, piece_id: str) -> None:
    if not call.id:
        call.id = piece_id
    elif piece_id not in {"", call.id} and call.arguments.is_blank:
        joined = call.id + piece_id
        call.id = joined if len(joined) <= _MAX_JOINED else call.id


def _begins_another(call: Call, piece: CallPiece) -> bool:
    """Whether the piece cannot belong to the call that its index points at."""
    is_complete = call.arguments.has_object
    if piece.id and call.id:
        if piece.id == call.id:
            return False
        if piece.name:
            # An id in two parts comes before anything else does.
            return bool(call.name) or not call.arguments.is_blank
        # Some make up a new id for every piece of one call.
        return is_complete or (piece.number is None and not call.arguments.is_blank)
    if not piece.name or not is_complete:
        return False
    # Not where the name is only repeated: beside nothing, or beside the real object
    # after an empty one.
    is_repeat = not call.arguments.closed or not piece.arguments.strip()
    return piece.name != call.name or not is_repeat


def _fits(schema: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return all(name in given for name in names if isinstance(name, str))
