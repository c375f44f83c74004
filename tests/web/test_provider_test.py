"""The Test button: the key resolved for the test, the verdict kept for the list."""

from __future__ import annotations

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.records import replace
from aiproxy.web import provider_test
from tests.scripted_upstream import Call, Reply, ScriptedUpstream

CALLS = Reply(calls=(Call("report_status", {"status": "ok"}),))


@pytest.fixture
def upstream():
    with ScriptedUpstream(lambda _ask: CALLS) as running:
        yield running


@pytest.fixture
def provider(site, upstream):
    stored = site.provider("chutes")
    return replace(stored, endpoint=f"{upstream.url}/v1", api_key="env:A_TEST_KEY")


def test_a_reference_is_resolved_for_the_test_alone(
    site, upstream, provider, monkeypatch
):
    monkeypatch.setenv("A_TEST_KEY", upstream.key)
    result = provider_test.run(site.services, provider)

    assert result.ok, result.message
    assert upstream.key not in str(result.as_json())


def test_a_reference_without_a_key_is_a_verdict_not_an_error(site, upstream, provider):
    result = provider_test.run(site.services, provider)

    assert (result.ok, result.kind) == (False, "auth")
    assert "env:A_TEST_KEY" in result.message
    assert upstream.received == []


def test_a_verdict_is_kept_until_the_provider_changes(site, upstream, provider):
    result = provider_test.run_and_record(site.services, provider)
    kept = site.provider("chutes")

    assert (kept.test_kind, kept.test_message) == (result.kind, result.message)
    assert kept.updated_at == provider.updated_at


def test_models_are_listed_with_the_resolved_key(site, upstream, provider, monkeypatch):
    monkeypatch.setenv("A_TEST_KEY", upstream.key)

    assert provider_test.list_models(site.services, provider) == list(upstream.models)


def test_a_list_that_cannot_be_had_is_the_providers_failure(site, provider):
    nowhere = replace(provider, endpoint="http://127.0.0.1:9/v1", api_key="")
    with pytest.raises(UpstreamError) as raised:
        provider_test.list_models(site.services, nowhere)

    assert raised.value.status == 502
