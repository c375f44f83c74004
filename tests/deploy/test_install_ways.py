"""Ways to install that a user may choose, each done for real in a fresh environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real_server import RealServer

ROOT = Path(__file__).parents[2]
COPIED = ("aiproxy", "views", "aiproxy.py", "pyproject.toml", "README.md", "LICENSE")


def run(*command, cwd):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with what requirements.txt pins, and a copy of the code."""
    folder = tmp_path_factory.mktemp("install")
    for name in (*COPIED, "requirements.txt"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "-q", "install")
    run(*pip, "--require-hashes", "-r", "requirements.txt", cwd=folder)
    return folder, python, pip


def serves(tmp_path, *program):
    with RealServer(tmp_path, program=program, environ={"PYTHONPATH": ""}) as server:
        page = server.request("GET", "/login")
        style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        return page.status == 200 and server.request("GET", style).status == 200


def test_requirements_and_the_launcher_of_a_checkout(environment, tmp_path):
    folder, python, _ = environment

    assert serves(tmp_path, str(python), str(folder / "aiproxy.py"))


def test_a_wheel_brings_the_pages_and_the_command(environment, tmp_path):
    folder, python, pip = environment
    wheels = (python, "-m", "pip", "-q", "wheel", "--no-deps", "-w", "wheels", ".")
    run(*wheels, cwd=folder)
    [wheel] = (folder / "wheels").glob("aiproxy-*.whl")
    run(*pip, "--no-deps", wheel, cwd=folder)

    assert serves(tmp_path, str(python.with_name("aiproxy")))
    run(python, "-m", "pip", "-q", "uninstall", "-y", "aiproxy", cwd=folder)


def test_an_editable_install_serves_from_the_checkout(environment, tmp_path):
    folder, python, pip = environment
    run(*pip, "--no-deps", "-e", ".", cwd=folder)

    assert serves(tmp_path, str(python.with_name("aiproxy")))
