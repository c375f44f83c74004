"""bcrypt, installed or from a wheel inside the .pyz, which no zip import can load.

The wheel for this machine is unpacked once into a cache folder that nobody else can
write to, checked at each start, and imported from there. Where that cannot be had (a
read-only home, a mount without exec, a folder of another user's) there is no bcrypt and
passwords.py does without.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from typing import Any, Iterator, Sequence

import aiproxy

WHEELS = "wheels/"
TRIAL_SECONDS = 30.0
MAX_WHEEL_BYTES = 16 * 1024 * 1024

_WHEEL = re.compile(r"bcrypt-[0-9.]+-(cp3[0-9]+)-(abi3|cp3[0-9]+t?)-(.+)\.whl")
# On musl its library needs another one, which lies beside the package.
_MEMBER = re.compile(r"bcrypt(?:\.libs)?/[A-Za-z0-9_.-]+")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def load_bcrypt() -> Any:
    """The bcrypt module, or None where there is none for this machine."""
    with contextlib.suppress(ImportError):
        return importlib.import_module("bcrypt")
    archive = _archive()
    if archive is None:
        return None
    for name in candidates(_names(archive)):
        folder = unpack(_read(archive, name))
        module = import_from(folder) if folder else None
        if module is not None:
            return module
    return None


def candidates(names: Sequence[str]) -> list[str]:
    """The wheels that may fit this Python, system and processor, best first."""
    system, machine = _system(), platform.machine().lower()
    machine = _MACHINES.get(machine, machine)
    found = []
    for name in names:
        match = _WHEEL.fullmatch(name[len(WHEELS) :])
        if name.startswith(WHEELS) and match and _fits(match, system, machine):
            found.append((int(match.group(1)[3:]), name))
    # A newer Python tag: what the same library built for later interpreters.
    return [name for _, name in sorted(found, reverse=True)]


def unpack(wheel: bytes, root: str | None = None) -> str | None:
    """The folder that holds the wheel's package, or None where it would be unsafe."""
    try:
        return _unpack(wheel, root or _cache_root())
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def _unpack(wheel: bytes, root: str) -> str | None:
    os.makedirs(root, mode=0o700, exist_ok=True)
    base = os.path.join(os.path.realpath(root), "aiproxy")
    with contextlib.suppress(FileExistsError):
        os.mkdir(base, 0o700)
    if not is_ours(base) or not all(_is_guarded(folder) for folder in _parents(base)):
        return None
    final = os.path.join(base, "bcrypt-" + hashlib.sha256(wheel).hexdigest()[:32])
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        members = _members(archive)
        if _is_complete(final, members):
            return final
        temporary = tempfile.mkdtemp(dir=base)
        try:
            _extract(archive, members, temporary)
            _put_in_place(temporary, final, members)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return final if _is_complete(final, members) else None


def is_ours(path: str) -> bool:
    """A real folder of this account's that nobody else may write to."""
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        return False
    if sys.platform == "win32":
        return True  # below the profile, whose access list rules
    return info.st_uid == os.geteuid() and not info.st_mode & 0o022


def _is_guarded(folder: str) -> bool:
    """Nobody else may put another folder in the place of one within this one."""
    if sys.platform == "win32":
        return True
    info = os.lstat(folder)
    is_writable = bool(info.st_mode & 0o022) and not info.st_mode & stat.S_ISVTX
    return info.st_uid in (0, os.geteuid()) and not is_writable


def _parents(path: str) -> Iterator[str]:
    while os.path.dirname(path) != path:
        path = os.path.dirname(path)
        yield path


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [m for m in archive.infolist() if _MEMBER.fullmatch(m.filename)]
    if not members or sum(member.file_size for member in members) > MAX_WHEEL_BYTES:
        raise ValueError("no wheel of bcrypt's")
    return members


def _folders(members: Sequence[zipfile.ZipInfo]) -> set[str]:
    return {member.filename.partition("/")[0] for member in members}


def _extract(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], folder: str
) -> None:
    for name in _folders(members):
        os.mkdir(os.path.join(folder, name), 0o700)
    for member in members:
        path = os.path.join(folder, *member.filename.split("/"))
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(archive.read(member))


def _put_in_place(
    temporary: str, final: str, members: Sequence[zipfile.ZipInfo]
) -> None:
    """One rename, so that nobody sees half of it; of several starts the first wins."""
    with contextlib.suppress(OSError):
        os.rename(temporary, final)
    if _is_complete(final, members):
        return
    # Damaged, or a link: out of the way with it.
    aside = tempfile.mkdtemp(dir=os.path.dirname(final))
    with contextlib.suppress(OSError):
        os.rename(final, os.path.join(aside, "old"))
        os.rename(temporary, final)
    shutil.rmtree(aside, ignore_errors=True)


def _is_complete(folder: str, members: Sequence[zipfile.ZipInfo]) -> bool:
    """Every file is there, ours and unchanged: caches get cleaned and disks fail."""
    parts = [os.path.join(folder, name) for name in _folders(members)]
    try:
        if not all(map(is_ours, [folder, *parts])):
            return False
        for member in members:
            with open(os.path.join(folder, *member.filename.split("/")), "rb") as file:
                info = os.fstat(file.fileno())
                if not stat.S_ISREG(info.st_mode) or info.st_size != member.file_size:
                    return False
                if zlib.crc32(file.read()) != member.CRC:
                    return False
    except OSError:
        return False
    return True


def import_from(folder: str) -> Any:
    """The module in this folder, or None where it cannot be used here."""
    if _system() == "musllinux" and not _survives_import(folder):
        return None
    # First in the path: an incomplete installed one must not be found instead.
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("bcrypt")
    except ImportError:  # no exec on this mount, or another C library
        for name in [n for n in sys.modules if n.partition(".")[0] == "bcrypt"]:
            del sys.modules[name]
        return None
    finally:
        sys.path.remove(folder)


def _survives_import(folder: str) -> bool:
    """Tried in a process of its own: before musl 1.2.4 (Alpine 3.18) it would crash."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import bcrypt"
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        ended = subprocess.run(  # noqa: S603 - this very Python
            [sys.executable, "-I", "-S", "-c", code, folder],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_SECONDS,
        )
        return ended.returncode == 0
    return False


def _archive() -> str | None:
    """The .pyz that this program runs from."""
    loader = getattr(aiproxy.__spec__, "loader", None)
    archive = getattr(loader, "archive", None)
    return archive if isinstance(archive, str) else None


def _names(archive: str) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        return [name for name in file.namelist() if name.startswith(WHEELS)]


def _read(archive: str, name: str) -> bytes:
    with zipfile.ZipFile(archive) as file:
        return file.read(name)


def _cache_root() -> str:
    environ = os.environ
    own = environ.get("XDG_CACHE_HOME", "")
    if os.name == "nt":
        own = own or environ.get("LOCALAPPDATA", "")
    if os.path.isabs(own):
        return own
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise ValueError("no home")
    return os.path.join(home, ".cache")


def _system() -> str:
    if sys.platform == "darwin":
        return "macosx"
    if sys.platform == "win32":
        return "win"
    if sys.platform.startswith("linux"):
        return "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return ""


def _fits(match: re.Match[str], system: str, machine: str) -> bool:
    python, abi, platforms = match.groups()
    if abi != "abi3" or int(python[3:]) > sys.version_info[1]:
        return False
    if not system or (sys.maxsize <= 2**32 and system != "win"):
        return False
    machines = {machine, "universal2"} if system == "macosx" else {machine}
    if system == "macosx" and machine == "aarch64":
        machines.add("arm64")
    if system == "win":
        machines = {"amd64"} if machine == "x86_64" and sys.maxsize > 2**32 else set()
    return any(
        tag.startswith(system) and any(tag.endswith("_" + m) for m in machines)
        for tag in platforms.split(".")
    )
