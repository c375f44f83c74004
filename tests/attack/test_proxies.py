"""The environment's proxy is no way around the rules on addresses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.raw_peer import RawServer, answering
from tests.real_server import Answer, RealServer

pytestmark = pytest.mark.once

HELLO = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hello"}],
}
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsecrets!"
REFUSED = (
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "metadata.google.internal",
)


def ask(server: RealServer, slug: str) -> Answer:
    headers = {"x-api-key": server.make_admin_key()}
    body = json.dumps(HELLO).encode()
    return server.request("POST", f"/v1/messages/{slug}", body, headers)


def add(server: RealServer, slug: str) -> None:
    server.add_provider(
        name=slug,
        slug=slug,
        endpoint="http://cloud.example/v1",
        api_key="sk-0123456789ab",
    )


def plant(server: RealServer, endpoints: dict[str, str]) -> None:
    """As an older version, or a backup from elsewhere, may have brought them."""
    with closing(sqlite3.connect(server.folder / "app.db")) as db, db:
        for slug, endpoint in endpoints.items():
            sql = "UPDATE providers SET endpoint = ? WHERE slug = ?"
            db.execute(sql, [endpoint, slug])
        db.execute("UPDATE revision SET number = number + 1")
    last = list(endpoints.values())[-1]
    wait_until(lambda: last in server.script("GET", "/providers").text)


def test_a_refused_address_is_asked_of_no_proxy(tmp_path: Path):
    with RawServer(answering(ANSWER)) as proxy:
        environ = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url}
        with RealServer(tmp_path, environ=environ) as server:
            slugs = [f"cloud-{number}" for number in range(len(REFUSED))]
            for slug in slugs:
                add(server, slug)
            ask(server, slugs[0])
            asked = proxy.connections
            assert asked  # by its name it is a provider like any other

            plant(server, {s: f"http://{host}/v1" for s, host in zip(slugs, REFUSED)})
            for slug in slugs:
                answer = ask(server, slug)
                assert answer.status == 502
                assert "no provider may be there" in answer.text
                assert "secrets!" not in answer.text
            assert proxy.connections == asked


def test_a_refused_address_is_no_proxy(tmp_path: Path):
    environ = {"HTTP_PROXY": "http://[::ffff:a9fe:a9fe]:80"}
    with RealServer(tmp_path, environ=environ) as server:
        add(server, "cloud")
        answer = ask(server, "cloud")

    assert answer.status == 502
    assert "no provider may be there" in answer.text
