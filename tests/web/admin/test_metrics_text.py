"""What a monitor reads, and who may."""

from __future__ import annotations

from tests.support import HOST, call


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


def test_they_are_told_without_a_database_too(site):
    assert "aiproxy_database_bytes" in read_metrics(site)
    site.services.database.close()

    text = read_metrics(site)
    assert "aiproxy_log_rows_dropped_total 0" in text
    assert "aiproxy_database_bytes" not in text


def read_metrics(site) -> str:
    answer = call(site.app, "GET", "/metrics", headers={"Host": HOST})
    assert answer.status == 200
    return answer.text
