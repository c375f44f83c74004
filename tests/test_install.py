"""install.sh and start.sh in a copy of the checkout, on hosts of several kinds."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aiproxy import __version__

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(os.name != "posix", reason="shell scripts"),
]

# A Python that lacks what some hosts leave out: venv, virtualenv, pip.
POOR_PYTHON = """#!/bin/sh
case "$1 $2" in
{lacking}) exit 1 ;;
esac
exec {python} "$@"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a user has after cloning, without an environment."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("install.sh", "start.sh", "aiproxy.py"):
        shutil.copy(ROOT / name, folder)
    for path in ROOT.glob("requirements*.txt"):
        shutil.copy(path, folder)
    for name in ("aiproxy", "views"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


def poor_python(tmp_path: Path, *lacking: str) -> Path:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    python = bin_ / "python3"
    patterns = " | ".join(f'"-m {module}"' for module in lacking)
    python.write_text(POOR_PYTHON.format(lacking=patterns, python=sys.executable))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


def run(
    checkout: Path, script: str, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [f"./{script}", *arguments],
        cwd=checkout,
        env={**known, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        timeout=110,
    )


@pytest.mark.parametrize("script", ["install.sh", "start.sh", "test.sh"])
def test_a_script_is_plain_posix_shell(script: str) -> None:
    path = ROOT / script

    assert path.read_text().startswith("#!/bin/sh\n")
    assert os.access(path, os.X_OK)
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0


def test_a_host_with_no_way_to_install_is_told_the_ways(
    checkout: Path, tmp_path: Path
) -> None:
    python = poor_python(tmp_path, "venv", "virtualenv", "pip")

    ended = run(checkout, "install.sh", PYTHON=str(python), PATH="/usr/bin:/bin")

    if shutil.which("virtualenv", path="/usr/bin:/bin"):
        pytest.skip("this host has a virtualenv of its own")
    assert ended.returncode == 1
    assert "python3-venv" in ended.stdout
    assert "aiproxy.pyz" in ended.stdout
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_too_old_is_refused_by_name(
    checkout: Path, tmp_path: Path
) -> None:
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    ended = run(checkout, "install.sh", PYTHON=str(old))

    assert ended.returncode == 1
    assert "is not Python 3.8" in ended.stdout


@pytest.mark.parametrize("lacking", [(), ("venv", "virtualenv")])
def test_one_command_installs_and_the_second_time_it_is_quick(
    checkout: Path, tmp_path: Path, lacking: tuple[str, ...]
) -> None:
    python = poor_python(tmp_path, *(lacking or ("nothing",)))
    first = run(checkout, "start.sh", "version", PYTHON=str(python))
    if first.returncode and not os.environ.get("CI"):
        pytest.skip("the packages cannot be had: no network")

    installed = os.stat(checkout / ".venv").st_mtime_ns
    second = run(checkout, "install.sh", PYTHON=str(python))

    assert first.stdout.splitlines()[-1] == f"aiproxy {__version__}"
    assert second.stdout == ""
    assert os.stat(checkout / ".venv").st_mtime_ns == installed
    assert run(checkout, "start.sh", "version").stdout == f"aiproxy {__version__}\n"
