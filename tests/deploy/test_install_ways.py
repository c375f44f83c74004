"""A way to install that no page names: from a checkout that stays where it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.real_server import ROOT, RealServer

NEEDED = ("aiproxy", "views", "pyproject.toml", "README.md", "LICENSE")


def run(*command: object) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_editable_install_serves_from_the_checkout(tmp_path: Path) -> None:
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    checkout.mkdir()
    work.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, checkout / name)
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    bin_ = tmp_path / "venv" / "bin"
    run(bin_ / "python", "-m", "pip", "-q", "install", "-e", checkout)
    template = checkout / "views" / "login.tpl"
    template.write_text(template.read_text() + "<!-- changed in the checkout -->")

    program, environ = (str(bin_ / "aiproxy"),), {"PYTHONPATH": ""}
    with RealServer(work, program=program, environ=environ) as server:
        page = server.request("GET", "/login")

    assert page.status == 200
    assert "changed in the checkout" in page.text
