"""Log entries for tests: everything has a value, the test names what matters."""

from aiproxy.store.request_log import LogEntry


def log_entry(**fields):
    values = {
        "id": "req_1",
        "time": 1_700_000_000,
        "user_id": None,
        "user": "",
        "key_id": None,
        "key_prefix": "",
        "alias": "",
        "provider": "openrouter",
        "model_requested": "claude-opus-5-5",
        "model": "openai/gpt-5",
        "session_id": "",
        "agent_id": "",
        "stream": True,
        "status": 200,
        "error_type": "",
        "error_message": "",
        "stop_reason": "end_turn",
        "duration_ms": 900,
        "first_token_ms": 300,
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "usage_estimated": False,
        "attempts": 1,
        "notes": (),
        "bodies": None,
    }
    return LogEntry(**{**values, **fields})
