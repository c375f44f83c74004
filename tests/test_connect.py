"""The connect lines, read back by the shells that will read them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from aiproxy import connect
from tests.validators import powershell

BASE_URL = "http://127.0.0.1:8000/v1/messages/openrouter"
ODD_VALUES = (
    "plain",
    "with space",
    "it's",
    'say "hi"',
    "$HOME `id` $(id)",
    "back\\slash\\",
    "100% %PATH% %PATH:a=b%",
    "a&b|c;d<e>f(g)",
    "bang! hash# tilde~ star* ?[x]",
    "^caret",
    "typographic \u2019 quote",
    "übergroß-漢字",
    "-leading-dash",
    "",
)


def run(shell: str, *arguments: str, script: str) -> str:
    program = shutil.which(shell)
    if program is None:
        assert not os.environ.get("CI"), f"{shell} is not installed"
        pytest.skip(f"{shell} is not installed")
    finished = subprocess.run(
        [program, *arguments, script],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
    )
    return finished.stdout.decode()


def lines_without_claude(shell: str, env: dict) -> str:
    text = connect.snippet(shell, env)
    assert text.endswith("\nclaude")
    return text[: -len("\nclaude")]


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize("shell", ["bash", "zsh", "sh"])
def test_a_posix_shell_reads_every_value_as_it_is(shell, value):
    script = lines_without_claude("bash", {"X_VALUE": value})

    assert run(shell, "-c", script=script + '\nprintf %s "$X_VALUE"') == value


@pytest.mark.parametrize("value", ODD_VALUES)
def test_fish_reads_every_value_as_it_is(value):
    script = lines_without_claude("fish", {"X_VALUE": value})

    assert run("fish", "-N", "-c", script=script + '\nprintf %s "$X_VALUE"') == value


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "$env:X = 'plain'"),
        ("it's $HOME", "$env:X = 'it''s $HOME'"),
        ("a\u2019b\u201bc", "$env:X = 'a\u2019\u2019b\u201b\u201bc'"),
        ('say "hi" `n', "$env:X = 'say \"hi\" `n'"),
    ],
)
def test_powershell_gets_every_kind_of_single_quote_doubled(value, line):
    assert lines_without_claude("powershell", {"X": value}) == line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", 'set "X=plain"'),
        ("a&b|c ^d", 'set "X=a&b|c ^d"'),
        ("50%", "set X=50^%"),
        ("%PATH%", "set X=^%^PATH^%"),
        ("%PATH:a=b%x", "set X=^%^PATH:a=b^%^x"),
        ("%&", "set X=^%^&"),
        ('say "a&b"', 'set X=say ^"a^&b^"'),
    ],
)
def test_cmd_gets_quotes_or_else_a_caret_before_all_that_is_special(value, line):
    assert lines_without_claude("cmd", {"X": value}) == line


@pytest.mark.parametrize("value", ODD_VALUES)
def test_json_files_hold_every_value_as_it_is(value):
    settings = json.loads(connect.snippet("settings_json", {"X": value}))
    vscode = json.loads(connect.snippet("vscode", {"X": value}))

    assert settings == {"env": {"X": value}}
    assert vscode["claudeCode.environmentVariables"] == [{"name": "X", "value": value}]
    assert vscode["claudeCode.disableLoginPrompt"] is True


@pytest.mark.parametrize(
    ("shell", "arguments", "setting"),
    [
        ("bash", ["-c"], "export NO_PROXY={}"),
        ("zsh", ["-c"], "export NO_PROXY={}"),
        ("fish", ["-N", "-c"], "set -gx NO_PROXY {}"),
    ],
)
@pytest.mark.parametrize("before", ["", "intern.example"])
def test_no_proxy_is_added_to_what_is_there(shell, arguments, setting, before):
    env = {"NO_PROXY": "127.0.0.1"}
    text = lines_without_claude("fish" if shell == "fish" else "bash", env)
    already = setting.format(before) + "\n" if before else ""
    script = f'{already}{text}\nprintf %s "$NO_PROXY"'

    expected = ",".join(filter(None, [before, "127.0.0.1"]))
    assert run(shell, *arguments, script=script) == expected


@pytest.mark.parametrize("name", ["NO_PROXY", "X_VALUE"])
@pytest.mark.parametrize("value", ODD_VALUES)
def test_powershell_finds_no_fault_in_the_lines(name, value):
    text = connect.snippet("powershell", {name: value, "Z_LAST": "end"})

    assert powershell.faults(text) == []


def test_no_proxy_is_added_in_the_windows_shells_too():
    env = {"NO_PROXY": "127.0.0.1"}

    assert lines_without_claude("powershell", env) == (
        "$env:NO_PROXY = (@($env:NO_PROXY, '127.0.0.1') "
        "| Where-Object { $_ }) -join ','"
    )
    assert lines_without_claude("cmd", env) == (
        'if defined NO_PROXY (set "NO_PROXY=%NO_PROXY%,127.0.0.1")'
        ' else (set "NO_PROXY=127.0.0.1")'
    )


def test_the_lines_for_bash_are_what_a_person_pastes():
    connection = connect.build(BASE_URL, token="aip_abc")

    assert connection.snippets["bash"] == (
        f"export ANTHROPIC_BASE_URL={BASE_URL}\n"
        "export ANTHROPIC_AUTH_TOKEN=aip_abc\n"
        "claude"
    )


def test_every_shell_has_lines_and_a_label():
    connection = connect.build(BASE_URL)

    assert set(connection.snippets) == set(connect.SHELLS) == set(connect.SHELL_LABELS)


def test_a_known_context_window_and_cap_become_variables():
    connection = connect.build(BASE_URL, context_window=131072, max_output_tokens=8192)

    assert connection.env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "131072"
    assert connection.env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8192"


def test_options_add_their_variables_and_only_those():
    plain = connect.build(BASE_URL)
    connection = connect.build(BASE_URL, options=["tools", "slow", "unknown"])

    assert set(connection.env) - set(plain.env) == {
        "ENABLE_TOOL_SEARCH",
        "API_TIMEOUT_MS",
        "CLAUDE_STREAM_IDLE_TIMEOUT_MS",
    }


@pytest.mark.parametrize("token", ["a\nb", "a\rb", "a\x00b", "a\x7fb"])
def test_a_control_character_is_refused(token):
    with pytest.raises(ValueError, match="control character"):
        connect.build(BASE_URL, token=token)


@pytest.mark.parametrize(
    ("origin", "alias", "expected"),
    [
        ("http://localhost:8000", "", "http://localhost:8000"),
        ("http://localhost:8000/", "fast", "http://localhost:8000/v1/messages/fast"),
        ("https://ai.example/proxy", "x", "https://ai.example/proxy/v1/messages/x"),
        ("http://0.0.0.0:8000", "x", "http://127.0.0.1:8000/v1/messages/x"),
        ("http://[::]:8000", "", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "", "http://[::1]:8000"),
    ],
)
def test_the_base_url_is_one_that_a_client_can_reach(origin, alias, expected):
    assert connect.client_base_url(origin, alias) == expected


@pytest.mark.parametrize(
    ("base_url", "environ", "expected"),
    [
        ("http://127.0.0.1:1/x", {}, False),
        ("http://127.0.0.1:1/x", {"HTTP_PROXY": "http://p:1"}, True),
        ("http://localhost:1/x", {"https_proxy": "http://p:1"}, True),
        ("http://192.168.1.4:1/x", {"ALL_PROXY": "socks5://p:1"}, True),
        ("http://devbox:1/x", {"HTTP_PROXY": "http://p:1"}, True),
        ("https://ai.example/x", {"HTTP_PROXY": "http://p:1"}, False),
        ("http://localhost:1/x", {"HTTP_PROXY": ""}, False),
        ("http://localhost:1", {"HTTP_PROXY": "p", "NO_PROXY": "a, localhost"}, False),
        ("http://localhost:1", {"HTTP_PROXY": "p", "no_proxy": "*"}, False),
    ],
)
def test_a_proxy_is_bypassed_only_where_it_would_be_asked(base_url, environ, expected):
    assert connect.bypasses_proxy(base_url, environ) is expected


def test_the_bypass_names_the_host_alone():
    connection = connect.build("http://[::1]:8000", bypass_proxy=True)

    assert connection.env["NO_PROXY"] == "::1"
