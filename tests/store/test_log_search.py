"""Every filter finds its rows and no others, a page at a time, newest first."""

import pytest

from aiproxy.store import log_search, request_log
from aiproxy.store.log_search import LogQuery
from aiproxy.store.request_log import LogEntry

ONE = LogEntry(
    id="req_one",
    time=1000,
    user_id=1,
    user="ada",
    key_id=11,
    key_prefix="aip_adaadaad",
    alias="fast",
    provider="openrouter",
    model_requested="claude-opus-5-5",
    model="openai/gpt-5",
    session_id="s-1",
    notes=("50%_off",),
)
TWO = LogEntry(
    id="req_two",
    time=2000,
    user_id=2,
    user="eve",
    key_id=12,
    key_prefix="aip_eveeveev",
    alias="",
    provider="chutes",
    model_requested="claude-haiku-4-5",
    model="glm-4.6",
    session_id="s-2",
    status=429,
    error_type="rate_limit_error",
    error_message="Überlastet: try later",
)
THREE = LogEntry(id="req_three", time=3000, provider="chutes", status=502)


@pytest.fixture
def filled(db):
    request_log.add_many(db, [ONE, TWO, THREE])
    return db


def found(db, **query):
    entries, total = log_search.search(db, LogQuery(**query))
    assert total == len(entries) == log_search.count(db, LogQuery(**query))
    return [entry.id.replace("req_", "") for entry in entries]


def test_everything_is_found_newest_first(filled):
    assert found(filled) == ["three", "two", "one"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"provider": "chutes"}, ["three", "two"]),
        ({"provider": "none"}, []),
        ({"alias": "fast"}, ["one"]),
        ({"status": "429"}, ["two"]),
        ({"status": "4xx"}, ["two"]),
        ({"status": "5xx"}, ["three"]),
        ({"status": "ok"}, ["one"]),
        ({"status": "failed"}, ["three", "two"]),
        ({"model": "glm-4.6"}, ["two"]),
        ({"model": "claude-opus-5-5"}, ["one"]),
        ({"user": "ada"}, ["one"]),
        ({"user_id": 2}, ["two"]),
        ({"key": "11"}, ["one"]),
        ({"key": "aip_eve"}, ["two"]),
        ({"key": "aip_eveeveev"}, ["two"]),
        ({"session": "s-1"}, ["one"]),
        ({"since": 2000}, ["three", "two"]),
        ({"until": 2000}, ["one"]),
        ({"since": 1001, "until": 3000}, ["two"]),
        ({"q": "GPT-5"}, ["one"]),
        ({"q": "req_two"}, ["two"]),
        ({"q": "rate_limit"}, ["two"]),
        ({"q": "ÜBERLASTET"}, ["two"]),
        ({"q": "50%_OFF"}, ["one"]),
        ({"q": "%"}, ["one"]),
        ({"q": "5_%"}, []),
        ({"q": "!"}, []),
        ({"q": "' OR 1=1 --"}, []),
        ({"provider": "chutes", "status": "429", "q": "later"}, ["two"]),
        ({"provider": "chutes", "user_id": 1}, []),
    ],
)
def test_a_filter_finds_its_rows_and_no_others(filled, query, expected):
    assert found(filled, **query) == expected


@pytest.fixture
def many(database, db):
    entries = [
        LogEntry(id=f"r{n}", time=n, provider="even" if n % 2 == 0 else "odd")
        for n in range(3000)
    ]
    with database.writing(db):
        request_log.add_many(db, entries)
    return db


@pytest.mark.parametrize("page", [1, 2, 10, 20, 21, 30])
@pytest.mark.parametrize("provider", ["", "even"])
def test_every_page_follows_the_one_before(many, page, provider):
    query = LogQuery(provider=provider, page=page, per_page=100)

    entries, total = log_search.search(many, query)

    everything = [n for n in range(2999, -1, -1) if not provider or n % 2 == 0]
    expected = everything[(page - 1) * 100 : page * 100]
    assert [entry.id for entry in entries] == [f"r{n}" for n in expected]
    assert total == len(everything)


@pytest.mark.parametrize("page", [1, 10, 15])
def test_a_word_that_stands_in_many_rows_is_counted_in_all_of_them(many, page):
    query = LogQuery(q="EVEN", page=page, per_page=100)

    entries, total = log_search.search(many, query)

    expected = range(2998, -1, -2)[(page - 1) * 100 : page * 100]
    assert [entry.id for entry in entries] == [f"r{n}" for n in expected]
    assert total == 1500


def test_a_page_beyond_the_end_is_empty(filled):
    assert log_search.search(filled, LogQuery(page=99)) == ([], 3)


def test_an_export_gives_every_matching_row_once(many):
    ids = [entry.id for entry in log_search.export(many, LogQuery(provider="odd"))]

    assert ids == [f"r{n}" for n in range(2999, 0, -2)]


def test_an_export_holds_nothing_open_while_it_is_read(database, many):
    rows = log_search.export(many, LogQuery())
    next(rows)

    with database.writing(many):
        many.execute("DELETE FROM request_log WHERE time < 100")

    assert sum(1 for _ in rows) == 2899


def test_a_query_is_read_from_a_pages_parameters():
    fields = {
        "provider": " chutes ",
        "status": "4xx",
        "q": "later",
        "since": "2026-01-31",
        "until": "1769900000",
        "page": "3",
        "per_page": "10",
        "part": "live",
    }

    query, errors = log_search.parse(fields)

    assert errors == {}
    assert query == LogQuery(
        provider="chutes",
        status="4xx",
        q="later",
        since=1769817600,
        until=1769900000,
        page=3,
        per_page=10,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "6xx"),
        ("status", "teapot"),
        ("since", "yesterday"),
        ("until", "2026-02-31"),
        ("since", "1" * 40),
        ("page", "0"),
        ("page", "-1"),
        ("page", "one"),
        ("page", "²"),
        ("page", "9" * 20),
        ("per_page", "501"),
    ],
)
def test_odd_parameters_are_named_and_left_out(name, value):
    query, errors = log_search.parse({name: value, "q": "x"})

    assert set(errors) == {name}
    assert query == LogQuery(q="x")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1769817600", 1769817600),
        ("2026-01-31", 1769817600),
        ("2026-01-31T00:00", 1769817600),
        ("2026-01-31 00:00:00", 1769817600),
        ("2026-01-31T00:00:00Z", 1769817600),
        ("2026-01-31T01:00:00+01:00", 1769817600),
        ("2026-01-31T01:00:00 01:00", 1769817600),  # a plus sign in a query is a space
        ("31.01.2026", None),
        ("", None),
        ("2026-01-31T25:00", None),
        ("\u0662026-01-31", None),
    ],
)
def test_times_are_seconds_or_iso(text, seconds):
    assert log_search.parse_time(text) == seconds
