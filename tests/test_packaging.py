"""What an installed package holds: every module, every view, one version."""

from __future__ import annotations

import re
from pathlib import Path

from aiproxy import __version__

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_package_is_packaged() -> None:
    listed = re.findall(r'^  "(aiproxy[a-z.]*)",$', PYPROJECT, re.MULTILINE)
    folders = {path.parent for path in (ROOT / "aiproxy").rglob("*.py")}
    packages = {".".join(folder.relative_to(ROOT).parts) for folder in folders}

    assert set(listed) == packages | {"aiproxy.views", "aiproxy.views.static"}


def test_every_view_is_of_a_kind_that_is_packaged() -> None:
    views = [path for path in (ROOT / "views").iterdir() if path.is_file()]

    assert {path.suffix for path in views} == {".tpl"}
    assert [p.name for p in (ROOT / "views").iterdir() if p.is_dir()] == ["static"]


def test_the_version_has_its_changes() -> None:
    assert f"## [{__version__}]" in CHANGELOG


def test_the_pinned_versions_satisfy_the_package() -> None:
    pinned = dict(
        re.findall(
            r"^([a-z0-9]+)==([0-9.]+)",
            (ROOT / "requirements.txt").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    needed = re.findall(r'^  "([a-z0-9]+)>=[0-9.]+,<[0-9.]+', PYPROJECT, re.MULTILINE)

    assert set(needed) == set(pinned)
