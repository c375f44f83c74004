"""The request log: an entry comes back as it was, its bodies apart and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import NotFound
from aiproxy.store import request_log
from aiproxy.store.database import Database
from aiproxy.store.request_log import LogEntry

FULL = LogEntry(
    id="req_1",
    time=1_700_000_000,
    user_id=3,
    user="ada",
    key_id=7,
    key_prefix="aip_12345678",
    alias="fast",
    provider="openrouter",
    model_requested="claude-opus-5-5",
    model="openai/gpt-5",
    session_id="s-1",
    agent_id="a-1",
    stream=True,
    status=429,
    error_type="rate_limit_error",
    error_message="wait",
    stop_reason="end_turn",
    duration_ms=1234,
    first_token_ms=321,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=30,
    cache_write_tokens=40,
    usage_estimated=True,
    attempts=2,
    notes=("fell back", "max_tokens lowered"),
)
BODIES = (b"client", b"upstream", b"answer", b"")


def test_a_stored_entry_reads_back_equal(db):
    request_log.add_many(db, [FULL])

    assert request_log.get(db, "req_1") == FULL


def test_an_entry_of_defaults_reads_back_equal(db):
    entry = LogEntry(id="req_1", time=5)

    request_log.add_many(db, [entry])

    assert request_log.get(db, "req_1") == entry


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    opened = Database(str(tmp_path_factory.mktemp("log") / "app.db")).open()
    yield opened.connection()
    opened.close()


@given(st.text(max_size=200), st.lists(st.text(max_size=50), max_size=3))
def test_any_text_of_a_client_can_be_stored(shared, text, notes):
    shared.execute("DELETE FROM request_log")
    entry = LogEntry(id="r", time=5, model_requested=text, notes=tuple(notes))

    request_log.add_many(shared, [entry])

    assert request_log.get(shared, "r") == entry


def test_a_lone_surrogate_is_stored_as_a_question_mark(db):
    request_log.add_many(
        db, [LogEntry(id="r", time=5, model="a\ud800b", notes=("\udfff",))]
    )

    stored = request_log.get(db, "r")
    assert (stored.model, stored.notes) == ("a?b", ("?",))


def test_bodies_come_back_as_they_were(db):
    request_log.add_many(db, [LogEntry(id="r", time=5, bodies=BODIES)])

    kept = request_log.bodies(db, "r")

    assert [body.part for body in kept] == list(request_log.BODY_PARTS)
    assert tuple(body.content for body in kept) == BODIES
    assert not any(body.is_cut for body in kept)
    assert request_log.get(db, "r").has_bodies


def test_an_entry_without_bodies_says_so(db):
    request_log.add_many(db, [LogEntry(id="r", time=5)])

    assert request_log.bodies(db, "r") == []
    assert not request_log.get(db, "r").has_bodies


def test_bodies_are_stored_compressed(db):
    body = b'{"role": "user"}' * 10_000

    request_log.add_many(db, [LogEntry(id="r", time=5, bodies=(body,))])

    kept = db.execute("SELECT kept, LENGTH(content) AS length FROM request_bodies")
    row = kept.fetchone()
    assert row["kept"] == row["length"] < len(body) / 50


def test_a_long_body_is_cut_and_its_true_size_told(db, monkeypatch):
    monkeypatch.setattr(request_log, "MAX_BODY_BYTES", 10)

    request_log.add_many(db, [LogEntry(id="r", time=5, bodies=(b"x" * 25,))])

    [body] = request_log.bodies(db, "r")
    assert (body.content, body.size, body.is_cut) == (b"x" * 10, 25, True)


def test_packing_beforehand_stores_the_same(db):
    packed = request_log.pack(LogEntry(id="r", time=5, bodies=BODIES))
    request_log.add_many(db, [packed])

    assert tuple(body.content for body in request_log.bodies(db, "r")) == BODIES


def test_bodies_stay_out_of_repr():
    entry = LogEntry(id="r", time=5, bodies=(b"secret",))

    assert "secret" not in repr(entry)
    assert "secret" not in repr(request_log.pack(entry))
    assert "secret" not in repr(request_log.Body("client_request", 6, b"secret"))


def test_an_entry_with_a_known_id_is_left_out(db):
    request_log.add_many(db, [FULL, LogEntry(id="req_1", time=9), LogEntry("r2", 9)])

    assert request_log.get(db, "req_1") == FULL
    assert db.execute("SELECT SUM(requests) FROM usage_hours").fetchone()[0] == 2


def test_anothers_entry_is_not_found(db):
    request_log.add_many(db, [FULL])

    assert request_log.get(db, "req_1", user_id=3) == FULL
    with pytest.raises(NotFound):
        request_log.get(db, "req_1", user_id=4)
    with pytest.raises(NotFound):
        request_log.get(db, "req_2")


@pytest.mark.parametrize(
    ("status", "is_failure"), [(200, False), (400, True), (499, True)]
)
def test_refused_failed_and_abandoned_requests_are_failures(status, is_failure):
    assert LogEntry(id="r", time=5, status=status).is_failure is is_failure
