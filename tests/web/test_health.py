"""What machines ask of the server itself."""

import os

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


@pytest.mark.skipif(os.name == "nt", reason="an open file stays in its place there")
def test_ready_fails_where_the_database_is_gone(site):
    os.rename(site.services.database.path, site.services.database.path + ".moved")

    answer = call(site.app, "GET", "/ready", headers={"Host": HOST})
    assert answer.status == 503
    assert "gone" in answer.json()["status"]


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_neither_takes_anything(site, path):
    answer = call(site.app, "POST", path, headers={"Host": HOST})

    assert answer.status == 405
    assert answer.json()["error"]["message"]
