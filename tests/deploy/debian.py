"""Small Debian systems of their own, for this processor or for another under qemu.

Each is made once and kept in a cache: the packages of a minimal Debian, unpacked and
not configured, and nothing of this machine.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from tests.deploy import daemons

PACKAGES = "python3-minimal,libpython3-stdlib,musl"
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def cache() -> Path:
    """Where .ci/run and the tests keep what they have fetched or made."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "aiproxy-tests"


def system(suite: str, arch: str) -> Path:
    """Its root folder; skips where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("only root can make and enter another Debian")
    debootstrap = daemons.find("debootstrap")
    root = cache() / f"debian-{suite}-{arch}"
    if not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent) as folder:
            made = Path(folder) / "root"
            _make(debootstrap, suite, arch, made)
            made.rename(root)
    return root


def _make(debootstrap: str, suite: str, arch: str, root: Path) -> None:
    # --foreign: nothing of it runs while it is made, so any processor will do.
    command = [debootstrap, "--foreign", f"--arch={arch}", "--variant=minbase"]
    command += [f"--include={PACKAGES}", suite, str(root)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        assert not os.environ.get("CI"), done.stdout + done.stderr
        pytest.skip(f"debootstrap: {done.stdout.splitlines()[-1:]}")
    archives = root / "var" / "cache" / "apt" / "archives"
    # What a system cannot do without is unpacked already.
    for name in (root / "debootstrap" / "base").read_text().split():
        [package] = archives.glob(f"{name}_*.deb")
        tar = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(package)],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
        # What is there stays: /bin and /lib are links already.
        into = ["tar", "-x", "--skip-old-files", "--keep-directory-symlink"]
        subprocess.run([*into, "-C", str(root)], check=True, input=tar)
    shutil.rmtree(archives)


@contextmanager
def folder_in(root: Path) -> Iterator[Path]:
    """A folder inside, gone at the end."""
    with tempfile.TemporaryDirectory(dir=root / "tmp") as folder:
        yield Path(folder)


def inside(root: Path, arch: str, *command: str) -> tuple[str, ...]:
    """The command line that runs this one there."""
    if platform.machine() == _MACHINES[arch]:
        return ("chroot", str(root), *command)
    name = f"qemu-{_MACHINES[arch]}-static"
    emulator = daemons.find(name)
    shutil.copy(emulator, root / "usr" / "bin" / name)
    return ("chroot", str(root), f"/usr/bin/{name}", *command)
