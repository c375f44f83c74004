"""A request log as days of work leave it: made up, and the same at every run."""

from __future__ import annotations

import json
import random
from typing import Any, Iterator

from aiproxy.records import replace
from aiproxy.store.request_log import LogEntry

DAY_SECONDS = 86_400
_ASKED = ("claude-sonnet-5", "claude-haiku-4-5", "claude-opus-4-8", "claude-via-fast")
_MODELS = {
    "openrouter": "openai/gpt-5.1",
    "grok-direct": "grok-4",
    "chutes": "deepseek-ai/DeepSeek-V3.2",
}
_FAILURES = (
    (429, "rate_limit_error", "Rate limit reached for gpt-5.1. Please wait 20 s."),
    (502, "api_error", "OpenRouter closed the connection before it answered."),
    (400, "invalid_request_error", "prompt is too long: 214000 > 200000 tokens"),
    (499, "client_closed", "the client closed the connection"),
    (529, "overloaded_error", "The model is overloaded. Try again later."),
)


def entries(
    now: int,
    *,
    number: int,
    days: float = 7,
    seed: int = 1,
    users: tuple[tuple[int, str], ...] = ((1, "admin"),),
    providers: tuple[str, ...] = tuple(_MODELS),
) -> Iterator[LogEntry]:
    """`number` rows over `days` up to now, oldest first; fewer of them by night."""
    dice = random.Random(seed)
    moments = sorted(_moment(dice, now, days) for _ in range(number))
    for place, moment in enumerate(moments):
        user_id, user = dice.choice(users)
        provider = dice.choice(providers)
        streams = dice.random() < 0.9
        took = int(min(dice.lognormvariate(8.2, 0.8), 240_000))
        yield replace(
            _failed(dice),
            id=f"req_{seed:02d}{place:022d}",
            time=moment,
            user_id=user_id,
            user=user,
            key_id=1,
            key_prefix="aip_4f2aQx9b",
            alias=dice.choice(("", "fast", provider, provider)),
            provider=provider,
            model_requested=dice.choice(_ASKED),
            model=_MODELS.get(provider, "some-model"),
            session_id=f"{place // 40:08x}-1b2c-4d3e-8f90-a1b2c3d4e5f6",
            agent_id="" if dice.random() < 0.7 else f"{dice.getrandbits(40):010x}",
            stream=streams,
            duration_ms=took,
            first_token_ms=took // dice.randint(2, 9) if streams else None,
            input_tokens=dice.randint(200, 40_000),
            output_tokens=dice.randint(5, 3_000),
            cache_read_tokens=dice.choice((0, dice.randint(1_000, 90_000))),
            attempts=1,
        )


def _moment(dice: random.Random, now: int, days: float) -> int:
    while True:
        moment = now - int(dice.random() * days * DAY_SECONDS)
        hour = moment % DAY_SECONDS // 3600
        if days < 1 or dice.random() < (1.0 if 7 <= hour <= 18 else 0.25):
            return moment


def _failed(dice: random.Random) -> LogEntry:
    if dice.random() > 0.04:
        stop_reason = dice.choice(("end_turn", "tool_use"))
        return LogEntry(id="", time=0, stop_reason=stop_reason)
    status, error_type, message = dice.choice(_FAILURES)
    return LogEntry(
        id="", time=0, status=status, error_type=error_type, error_message=message
    )


def with_bodies(entry: LogEntry, *, padding: int = 0) -> LogEntry:
    """The entry with the four bodies of a short exchange, and notes."""
    asked = {
        "model": entry.model_requested,
        "max_tokens": 32000,
        "stream": True,
        "system": [{"type": "text", "text": "You are Claude Code." + " x" * padding}],
        "tools": [{"name": "Read", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "What does <b>this</b> project do?"}],
    }
    sent = {
        "model": entry.model,
        "stream": True,
        "max_completion_tokens": 32000,
        "messages": [
            {"role": "system", "content": "You are Claude Code." + " x" * padding},
            {"role": "user", "content": "What does <b>this</b> project do?"},
        ],
        "tools": [{"type": "function", "function": {"name": "Read"}}],
    }
    answer = "It lets Claude Code use any provider: a small proxy, nothing more."
    words = answer.split(" ")
    chunks = [
        {
            "id": "gen-1",
            "model": entry.model,
            "choices": [{"index": 0, "delta": {"content": f"{word} "}}],
        }
        for word in words
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {"id": "msg_1", "role": "assistant", "content": []},
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": f"{word} "},
            }
            for word in words
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    return replace(
        entry,
        notes=("dropped the field metadata", "max_tokens lowered from 64000 to 32000"),
        bodies=(
            json.dumps(asked).encode(),
            json.dumps(sent).encode(),
            b"".join(b"data: %s\n\n" % json.dumps(c).encode() for c in chunks)
            + b"data: [DONE]\n\n",
            b"".join(
                b"event: %s\ndata: %s\n\n"
                % (event["type"].encode(), json.dumps(event).encode())
                for event in events
            ),
        ),
    )
