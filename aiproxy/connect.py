"""The lines that point Claude Code at this server, for every place it starts from.

Pure: addresses and values come in, text goes out. The Connect page, the checklist
and the `connect` command write the same lines. Variables: Claude Code's own
documentation of its environment, and what was measured with 2.1.197 and 2.1.331.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from aiproxy.protocol import endpoint
from aiproxy.records import dataclass, field

SHELLS = ("bash", "fish", "powershell", "cmd", "settings_json", "vscode")
SHELL_LABELS: Mapping[str, str] = {
    "bash": "bash, zsh",
    "fish": "fish",
    "powershell": "PowerShell",
    "cmd": "cmd",
    "settings_json": "settings.json",
    "vscode": "VS Code",
}
TOKEN_PLACEHOLDER = "aip_YOUR_KEY"  # noqa: S105 - says what belongs there
# Without a token Claude Code asks to log in with Anthropic; where no key is wanted,
# any word does that does not look like one of ours.
NO_TOKEN = "local"  # noqa: S105 - not a secret

NO_PROXY = "NO_PROXY"
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
SLOW_MILLISECONDS = "1800000"


@dataclass(frozen=True)
class Option:
    """A variable that helps some setups, and when."""

    key: str  # its name in a query and on the command line
    variables: Mapping[str, str]
    why: str


OPTIONS: tuple[Option, ...] = (
    Option(
        "models",
        {"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"},
        "Offers your providers and aliases in the /model menu.",
    ),
    Option(
        "tools",
        {"ENABLE_TOOL_SEARCH": "0"},
        "For small models that never find tools which are loaded on demand. "
        "Makes each request about 29 kB larger.",
    ),
    Option(
        "plain",
        {"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"},
        "Plainer requests, for a strict provider in Anthropic format.",
    ),
    Option(
        "slow",
        {
            "API_TIMEOUT_MS": SLOW_MILLISECONDS,
            "CLAUDE_STREAM_IDLE_TIMEOUT_MS": SLOW_MILLISECONDS,
        },
        "Waits 30 minutes for slow local models instead of 5.",
    ),
    Option(
        "auto",
        {"CLAUDE_CODE_AUTO_MODE_SERVER": "0"},
        "Auto mode asks your provider's model instead of Anthropic's server.",
    ),
    Option(
        "quiet",
        {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        "No telemetry and no update checks beside the requests themselves.",
    ),
)
OPTION_KEYS = tuple(option.key for option in OPTIONS)


@dataclass(frozen=True)
class Connection:
    """What a client sets; `snippets` writes it for each of SHELLS."""

    base_url: str
    env: dict[str, str] = field(default_factory=dict)

    @property
    def snippets(self) -> dict[str, str]:
        return {shell: snippet(shell, self.env) for shell in SHELLS}


def client_base_url(origin: str, alias: str = "") -> str:
    """The base URL for `alias`; without one, whichever provider is active answers.

    `origin` is how this client reaches the server. An address that only means "any
    interface" reaches nothing, so this machine's own stands in for it.
    """
    origin = origin.rstrip("/")
    for wildcard in ("//0.0.0.0", "//[::]"):
        if origin.partition(":")[2].startswith(wildcard):
            origin = origin.replace(wildcard, "//127.0.0.1", 1)
    return f"{origin}/v1/messages/{alias}" if alias else origin


def build(
    base_url: str,
    *,
    token: str = TOKEN_PLACEHOLDER,
    context_window: int | None = None,
    max_output_tokens: int | None = None,
    options: Sequence[str] = (),
    bypass_proxy: bool = False,
) -> Connection:
    """The variables for one base URL; `options` are keys of OPTIONS.

    Raises ValueError for a control character: no shell could take it as typed.
    """
    env = {"ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_AUTH_TOKEN": token}
    if context_window:
        # Claude Code knows the window of a model by its name; ours are not its names.
        env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(context_window)
    if max_output_tokens:
        env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(max_output_tokens)
    for option in OPTIONS:
        if option.key in options:
            env.update(option.variables)
    if bypass_proxy:
        env[NO_PROXY] = urlsplit(base_url).hostname or ""
    for value in env.values():
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise ValueError("a value holds a control character")
    return Connection(base_url, env)


def bypasses_proxy(base_url: str, environ: Mapping[str, str]) -> bool:
    """Whether `environ` would send requests for a near address through a proxy.

    A proxy elsewhere cannot reach this machine or a private network, and Claude Code
    asks the one that HTTP_PROXY names for plain http on loopback too.
    """
    present = {name.upper() for name, value in environ.items() if value}
    if not present.intersection(PROXY_VARIABLES):
        return False
    host = urlsplit(base_url).hostname or ""
    excepted = [
        name.strip().lstrip(".").lower()
        for variable in (NO_PROXY, NO_PROXY.lower())
        for name in environ.get(variable, "").split(",")
    ]
    return (
        endpoint.is_private_host(host) and host not in excepted and "*" not in excepted
    )


def snippet(shell: str, env: Mapping[str, str]) -> str:
    """The text to paste, for one of SHELLS."""
    return _WRITERS[shell](env)


def _bash(env: Mapping[str, str]) -> str:
    # shlex.quote is for POSIX shells; zsh reads its single quotes alike.
    lines = []
    for name, value in env.items():
        quoted = shlex.quote(value)
        if name == NO_PROXY:
            quoted = f'"${{{NO_PROXY}:+${NO_PROXY},}}"{quoted}'
        lines.append(f"export {name}={quoted}")
    return "\n".join([*lines, "claude"])


def _fish(env: Mapping[str, str]) -> str:
    lines = []
    for name, value in env.items():
        quoted = _quote_fish(value)
        if name == NO_PROXY:
            quoted = f"(string join , -- ${NO_PROXY} {quoted})"
        lines.append(f"set -gx {name} {quoted}")
    return "\n".join([*lines, "claude"])


def _quote_fish(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@-]+", value):
        return value
    # In single quotes fish reads only \\ and \' as escapes.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(env: Mapping[str, str]) -> str:
    lines = []
    for name, value in env.items():
        # PowerShell takes typographic quotes for quotes; doubled, each stands for one.
        quoted = "'" + re.sub("['\u2018\u2019\u201a\u201b]", r"\g<0>\g<0>", value) + "'"
        if name == NO_PROXY:
            quoted = f"(@($env:{NO_PROXY}, {quoted}) | Where-Object {{ $_ }}) -join ','"
        lines.append(f"$env:{name} = {quoted}")
    return "\n".join([*lines, "claude"])


def _cmd(env: Mapping[str, str]) -> str:
    lines = []
    for name, value in env.items():
        line = _set_cmd(name, value)
        if name == NO_PROXY:
            longer = _set_cmd(name, "", prefix=f"%{NO_PROXY}%,{value}")
            line = f"if defined {NO_PROXY} ({longer}) else ({line})"
        lines.append(line)
    return "\n".join([*lines, "claude"])


def _set_cmd(name: str, value: str, prefix: str = "") -> str:
    if not re.search(r'["%]', value):
        # Within quotes nothing else is special, and no trailing space slips in.
        return f'set "{name}={prefix}{value}"'
    # A percent sign has no escape at the prompt. A caret behind it makes the name of
    # a variable that nobody has, which stays as it is, and then the caret is dropped:
    # only outside quotes, so everything else needs its caret too.
    escaped = re.sub(r'[&|<>^()"!%]|(?<=%).', r"^\g<0>", value)
    return f"set {name}={escaped}"


def _settings_json(env: Mapping[str, str]) -> str:
    return json.dumps({"env": dict(env)}, indent=2, ensure_ascii=False)


def _vscode(env: Mapping[str, str]) -> str:
    # The extension asks to log in with Anthropic unless it is told not to.
    settings = {
        "claudeCode.disableLoginPrompt": True,
        "claudeCode.environmentVariables": [
            {"name": name, "value": value} for name, value in env.items()
        ],
    }
    return json.dumps(settings, indent=2, ensure_ascii=False)


_WRITERS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "bash": _bash,
    "fish": _fish,
    "powershell": _powershell,
    "cmd": _cmd,
    "settings_json": _settings_json,
    "vscode": _vscode,
}
