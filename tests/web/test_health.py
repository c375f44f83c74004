"""What machines ask of the server itself."""

import pytest

from aiproxy import __version__
from tests.support import HOST, call


@pytest.mark.parametrize("host", [HOST, "monitor.example:80"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_answers_any_name_and_says_nothing_more(site, host, method):
    answer = call(site.app, method, "/health", headers={"Host": host})

    assert answer.status == 200
    if method == "GET":
        assert answer.json() == {"status": "healthy", "version": __version__}


def test_ready_means_that_new_work_is_welcome(site):
    headers = {"Host": "monitor.example"}
    assert call(site.app, "GET", "/ready", headers=headers).status == 200
    site.services.is_draining = True
    assert call(site.app, "GET", "/ready", headers=headers).status == 503


def test_ready_fails_without_a_database(site):
    site.services.database.close()

    assert call(site.app, "GET", "/ready", headers={"Host": HOST}).status == 503


def test_metrics_are_for_a_local_request_or_an_admins_key(site):
    text = call(site.app, "GET", "/metrics", headers={"Host": HOST})
    assert text.status == 200
    assert text.headers["content-type"].startswith("text/plain")
    assert "aiproxy_requests_in_flight 0" in text.text

    forwarded = {"Host": HOST, "X-Forwarded-For": "10.0.0.9"}
    assert call(site.app, "GET", "/metrics", headers=forwarded).status in (302, 401)
    key = {"Authorization": f"Bearer {site.make_key(site.admin_id)}"}
    assert call(site.app, "GET", "/metrics", headers={**forwarded, **key}).status == 200
    member = {"Authorization": f"Bearer {site.make_key(site.member_id)}"}
    answer = call(site.app, "GET", "/metrics", headers={**forwarded, **member})
    assert answer.status == 403
