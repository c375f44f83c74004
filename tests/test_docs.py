"""What a user can set, call or type is documented, and what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aiproxy import cli, config
from aiproxy.store.settings import SETTINGS
from aiproxy.web import proxy
from aiproxy.web.admin.provider_form import API_FORMATS, COMPATS, SEND_REASONING
from aiproxy.web.pages import PAGES
from tests import env_example
from tests.test_cli import commands_in

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
PAGES_OF_DOCS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def row_of(setting: str) -> str:
    rows = [
        line for line in REFERENCE.splitlines() if line.startswith(f"| `{setting}`")
    ]
    assert len(rows) == 1, f"{setting} is not in the table of settings"
    return rows[0]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_in_the_reference(name: str) -> None:
    setting = SETTINGS[name]
    row = row_of(name)

    for variable in setting.env:
        assert f"`{variable}`" in row
    default = setting.default
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    if default and not setting.is_secret:
        assert f"`{shown}`" in row
    assert (f"`{name}` * |" in row) is setting.needs_restart


def test_the_table_holds_no_setting_that_is_gone() -> None:
    table = REFERENCE.split("## Settings")[1].split("## ")[0]
    named = set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE))

    assert named == set(SETTINGS)


@pytest.mark.parametrize("variable", config.ENVIRONMENT_ONLY)
def test_a_variable_of_the_environment_alone_is_in_the_reference(variable: str) -> None:
    assert f"`{variable}`" in REFERENCE


@pytest.mark.parametrize("command", commands_in(cli.build_parser().format_help()))
def test_a_command_with_its_flags_is_in_the_reference(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    flags = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)
    table = REFERENCE.split("## Commands")[1].split("## ")[0]
    row = next(line for line in table.splitlines() if f"| `{command}" in line)

    for flag in flags:
        assert flag in row


def _plain(path: str) -> str:
    """A route as the reference writes it: <id> for any id, <name> for a name."""
    path = re.sub(r"<\w*id(:int|:re:[^>]*)?>", "<id>", path)
    return re.sub(r"<(\w+)(:\w+)?>", r"<\1>", path)


def test_every_page_is_in_the_reference() -> None:
    paths = {_plain(route.path) for route in PAGES if "static" not in route.path}
    missing = [path for path in sorted(paths) if f"{path}`" not in REFERENCE]

    assert missing == []


def test_every_address_of_the_api_is_in_the_reference() -> None:
    paths = {re.sub(r"/<model.*", "", _plain(route.path)) for route in proxy.ROUTES}
    missing = [
        path
        for path in sorted(paths)
        if path.replace("/count_tokens", "") not in REFERENCE
    ]

    assert missing == []
    assert "/count_tokens" in REFERENCE


@pytest.mark.parametrize("values", [API_FORMATS, COMPATS, SEND_REASONING])
def test_a_choice_of_a_provider_is_in_the_reference(values: tuple[str, ...]) -> None:
    for value in values:
        assert f"`{value}`" in REFERENCE


@pytest.mark.parametrize(
    "page", PAGES_OF_DOCS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_within_the_documentation_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    own = [
        link for link in links if "://" not in link and not link.startswith("mailto:")
    ]
    broken = [link for link in own if not (page.parent / link).exists()]

    assert broken == []


def test_the_example_environment_names_every_variable() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    variables = {setting.env[0] for setting in SETTINGS.values()}
    variables |= set(config.ENVIRONMENT_ONLY)
    missing = [name for name in sorted(variables) if f"{name}=" not in text]

    assert missing == []


def test_no_document_names_a_machine_or_a_person() -> None:
    for page in PAGES_OF_DOCS:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(work|home|root)/", text), page


def test_the_example_of_the_environment_is_up_to_date() -> None:
    assert env_example.FILE.read_text(encoding="utf-8") == env_example.text()


API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# What a script has no use for, or does under another address of the table.
_NOT_FOR_SCRIPTS = (
    "/login",
    "/logout",
    "/help",
    "/static/",
    "/checklist",
    "/setup/",
    "/metrics",
)


def _shape(path: str) -> str:
    return re.sub(r"<[^>]*>|req_…|(?<=/)\d+", "*", path.split("?", maxsplit=1)[0])


def test_a_script_finds_a_line_for_every_page() -> None:
    named = {_shape(path) for path in re.findall(r"\$URL(/[^\s`\"']*)", API)}
    pages = {
        _shape(route.path)
        for route in PAGES
        if not route.path.startswith(_NOT_FOR_SCRIPTS)
    }

    assert pages - named <= {"/logs/*/body/*"}  # a download for the browser
    assert named - pages <= {"/metrics"}
