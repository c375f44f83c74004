"""The model list: what a client may choose, in Anthropic's shape."""

import pytest

from aiproxy.errors import NotFound
from aiproxy.models import get_model, list_models, mapped_names
from aiproxy.records import replace
from tests.test_resolve import FIRST, SECOND, alias, snapshot

GROK = replace(
    FIRST,
    name="Grok",
    slug="grok",
    default_model="grok-4",
    model_haiku="grok-mini",
    model_map={"claude-*": "grok-4", "x": "grok-x"},
    created_at=1_700_000_000,
)


def ids(listed):
    return [entry["id"] for entry in listed["data"]]


def test_each_alias_and_enabled_provider_is_an_id_that_the_client_accepts():
    known = snapshot(
        GROK,
        SECOND,
        replace(SECOND, id=3, slug="off", enabled=False),
        aliases=[alias("work", 2, model="big"), alias("lost", 9)],
    )

    listed = list_models(known, None)

    assert ids(listed)[:3] == [
        "claude-via-work",
        "claude-via-grok",
        "claude-via-second",
    ]
    assert "claude-via-off" not in ids(listed)
    assert "claude-via-lost" not in ids(listed)


def test_the_name_shown_tells_provider_and_model():
    entry = get_model(snapshot(GROK), None, "claude-via-grok")

    assert entry == {
        "type": "model",
        "id": "claude-via-grok",
        "display_name": "Grok · grok-mini",
        "created_at": "2023-11-14T22:13:20Z",
    }


def test_the_providers_own_mapped_names_are_listed_for_its_path():
    known = snapshot(GROK, SECOND)

    assert mapped_names(GROK) == ["grok-mini", "grok-4", "grok-x"]
    assert set(ids(list_models(known, "grok"))) >= {"grok-mini", "grok-4", "grok-x"}
    assert "grok-4" not in ids(list_models(known, "second"))


def test_the_page_is_whole_and_says_so():
    listed = list_models(snapshot(GROK), None)

    assert listed["has_more"] is False
    assert listed["first_id"] == ids(listed)[0]
    assert listed["last_id"] == ids(listed)[-1]


def test_without_providers_the_list_is_empty():
    assert list_models(snapshot(), None) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_unknown_models_and_aliases_are_not_found():
    with pytest.raises(NotFound):
        get_model(snapshot(GROK), None, "nothing")
    with pytest.raises(NotFound):
        list_models(snapshot(GROK), "nobody")
