"""`check` and `connect` against real settings and a real listener."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Iterator

import pytest

from aiproxy import commands
from aiproxy import connect as client
from aiproxy.errors import ConfigError
from aiproxy.store.settings import Settings
from tests.raw_peer import refusing_port
from tests.support import Site


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    site = Site(tmp_path)
    site.close()
    return {"DATABASE_PATH": str(next(tmp_path.glob("*.db")))}


@pytest.fixture
def answering() -> Iterator[tuple[str, list[str]]]:
    """A server that gives each connection the next status line."""
    listener = socket.create_server(("127.0.0.1", 0))
    statuses: list[str] = []

    def run() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(4096)
                head = f"HTTP/1.1 {statuses.pop(0)}\r\nContent-Length: 0\r\n\r\n"
                sock.sendall(head.encode())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", statuses
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("suffix", ["", "/", "/ready"])
def test_a_ready_server_passes(answering: tuple[str, list[str]], suffix: str) -> None:
    url, statuses = answering
    statuses.append("200 OK")

    commands.check(url + suffix)


def test_a_stopping_server_does_not(answering: tuple[str, list[str]]) -> None:
    url, statuses = answering
    statuses.append("503 Service Unavailable")

    with pytest.raises(commands.NotReady, match="503"):
        commands.check(url)


def test_no_server_is_told_in_one_sentence() -> None:
    with refusing_port() as port, pytest.raises(
        commands.NotReady, match="start the server"
    ) as failure:
        commands.check(f"http://127.0.0.1:{port}")
    assert "\n" not in failure.value.message


def test_a_proxy_of_the_environment_is_not_asked(
    answering: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url, statuses = answering
    statuses.append("200 OK")

    commands.check(url)


def test_only_http_addresses_are_asked() -> None:
    with pytest.raises(commands.NotReady):
        commands.check("file:///etc")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (Settings(), "http://127.0.0.1:8000"),
        (Settings(server_host="0.0.0.0", server_port=9), "http://127.0.0.1:9"),
        (Settings(server_host="::"), "http://127.0.0.1:8000"),
        (Settings(server_host="::1"), "http://[::1]:8000"),
        (Settings(base_path="/ai"), "http://127.0.0.1:8000/ai"),
    ],
)
def test_the_own_address_is_one_that_can_be_reached(
    settings: Settings, address: str
) -> None:
    assert commands.own_address(settings) == address


def test_settings_before_the_first_start_come_from_the_environment(
    tmp_path: Path,
) -> None:
    environ = {"DATABASE_PATH": str(tmp_path / "none.db"), "PORT": "8123"}

    assert commands.read_settings(environ).server_port == 8123
    assert list(tmp_path.iterdir()) == []


def test_the_lines_name_the_alias_and_need_no_key_here(environ: dict[str, str]) -> None:
    lines = commands.client_lines(environ, "OpenRouter", "bash")

    assert "/v1/messages/openrouter\n" in lines
    assert f"ANTHROPIC_AUTH_TOKEN={client.NO_TOKEN}\n" in lines


@pytest.mark.parametrize(
    "variables",
    [
        {"PROXY_AUTH": "required"},
        {"SERVER_HOST": "0.0.0.0"},
        {"PUBLIC_URL": "https://ai.example.org"},
    ],
)
def test_the_lines_ask_for_a_key_where_one_is_needed(
    environ: dict[str, str], variables: dict[str, str]
) -> None:
    lines = commands.client_lines({**environ, **variables}, "", "bash")

    assert client.TOKEN_PLACEHOLDER in lines
    if "PUBLIC_URL" in variables:
        assert "ANTHROPIC_BASE_URL=https://ai.example.org\n" in lines


def test_the_custom_prompt_has_an_address_too(environ: dict[str, str]) -> None:
    lines = commands.client_lines(environ, "openrouter-custom", "bash")

    assert "/v1/messages/openrouter-custom\n" in lines


def test_an_unknown_name_is_refused_with_those_that_exist(
    environ: dict[str, str],
) -> None:
    with pytest.raises(ConfigError, match="openrouter"):
        commands.client_lines(environ, "nobody", "bash")


def test_the_shell_is_the_one_around_us() -> None:
    assert commands.usual_shell({"SHELL": "/usr/bin/fish"}) == "fish"
    assert commands.usual_shell({"SHELL": "/bin/zsh"}) in ("bash", "powershell")
