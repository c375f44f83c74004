"""`python -m tests.env_example`: writes .env.example from the table of settings."""

from __future__ import annotations

import textwrap
from pathlib import Path

from aiproxy.config import ENVIRONMENT_ONLY
from aiproxy.store.settings import SETTINGS

FILE = Path(__file__).resolve().parent.parent / ".env.example"
HEAD = """\
# Every variable that configures AI Proxy, with its default. Copy it to .env and take
# the # away where you change something; Docker Compose, systemd (EnvironmentFile=) and
# `set -a; . ./.env; set +a` read it. The pages show what is set here as fixed.
# Made by `python -m tests.env_example`; a test compares it with the settings.
"""


def text() -> str:
    """The whole file."""
    entries = [
        (setting.env[0], setting.help, _shown(setting.default))
        for setting in SETTINGS.values()
    ]
    entries += [(name, words, "") for name, words in ENVIRONMENT_ONLY.items()]
    blocks = [
        "\n".join(
            [*(f"# {line}" for line in textwrap.wrap(words, 84)), f"#{name}={value}"]
        )
        for name, words, value in entries
    ]
    return HEAD + "\n" + "\n\n".join(blocks) + "\n"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
