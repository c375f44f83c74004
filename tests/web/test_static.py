"""A fixed list of files, each at an address that holds the hash of its content."""

from __future__ import annotations

import gzip

import pytest

from aiproxy.web import static


def test_a_file_is_kept_for_ever(site):
    answer = site.browser().get(static.url(site.services, "app.css"))

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.body == static.read("app.css").content


def test_a_browser_that_has_it_gets_nothing(site):
    tag = f'"{static.read("app.js").digest}"'
    answer = site.browser().get(
        static.url(site.services, "app.js"), {"If-None-Match": tag}
    )

    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/0000000000000000/app.css",
        "/static/x/layout.tpl",
        "/static/x/..%2flayout.tpl",
        "/static/app.css",
        "/static/",
    ],
)
def test_nothing_else_is_there(site, path):
    assert site.browser().get(path).status == 404


def test_style_and_script_stay_small():
    files = [static.read(name).content for name in ("app.css", "app.js")]

    assert sum(map(len, files)) < 40_000
    assert len(gzip.compress(b"".join(files))) < 14_000
