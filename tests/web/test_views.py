"""Templates escape by default, and lie where a checkout, archive or wheel has them."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aiproxy.web import views
from aiproxy.web.markup import Markup
from aiproxy.web.views import View

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(path.name for path in (ROOT / "views").glob("*.tpl"))


def fill(source: str, **names: object) -> str:
    return str(View(source=source, name="test").render(names))


def test_what_a_page_writes_is_escaped():
    assert fill("{{x}}", x="<script>'\"&") == "&lt;script&gt;&#039;&quot;&amp;"


def test_markup_is_written_as_it_is():
    assert fill("{{x}}", x=Markup("<b>")) == "<b>"


def test_nothing_is_written_for_none():
    assert fill("{{x}}", x=None) == ""


def test_a_value_is_never_run_as_a_template():
    assert fill("{{x}}", x="{{7*7}}\n% import os") == "{{7*7}}\n% import os"


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles(name):
    assert views.load(name).co is not None


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_writes_unescaped_but_the_frame(name):
    source = (ROOT / "views" / name).read_text(encoding="utf-8")
    raw = re.findall(r"\{\{!\s*(\w+)", source)

    assert raw == (["base", "base"] if name == "layout.tpl" else [])


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_needs_what_the_policy_forbids(name):
    source = (ROOT / "views" / name).read_text(encoding="utf-8")

    assert not re.search(r"\son[a-z]+=[\"']|\sstyle=|javascript:|<style", source, re.I)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)


def test_the_end_of_a_name_may_be_left_out():
    assert views.load("error") is views.load("error.tpl")


def test_a_missing_view_says_which():
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        views.read_bytes("nothing-here.tpl")


SHOW = "from aiproxy.web import views; print(len(views.read_bytes('layout.tpl')))"


@pytest.mark.parametrize("modules_in", ["", "py3/"])
def test_views_are_read_from_an_archive(tmp_path, modules_in):
    # The built archive keeps bytecode of each Python in a folder of its own.
    archive = tmp_path / "a.pyz"
    with zipfile.ZipFile(archive, "w") as target:
        for path in (ROOT / "aiproxy").rglob("*.py"):
            target.write(path, modules_in + str(path.relative_to(ROOT)))
        target.write(ROOT / "views/layout.tpl", "views/layout.tpl")
    path = f"{archive}/{modules_in}".rstrip("/")
    program = f"import sys; sys.path.insert(0, {path!r}); {SHOW}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )

    assert int(done.stdout) == (ROOT / "views/layout.tpl").stat().st_size


def test_views_are_read_from_inside_an_installed_package(tmp_path):
    for path in (ROOT / "aiproxy").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (tmp_path / "aiproxy/views").mkdir()
    (tmp_path / "aiproxy/views/layout.tpl").write_text("here", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )

    assert int(done.stdout) == 4
