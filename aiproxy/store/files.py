"""Files that are ours alone: mode 0600, in folders that we make with 0700.

The process has umask 077 from its start; these functions hold without it too, and
mend a file that an earlier umask left readable.
"""

from __future__ import annotations

import contextlib
import os
import stat

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_folder(path: str) -> None:
    """Create the folder and its missing parents; one that exists is left alone."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        return
    # makedirs() gives its mode to the last one only.
    make_folder(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE)


def make_file(path: str) -> None:
    """Create an empty private file, or make an existing one private."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        os.close(os.open(path, flags, FILE_MODE))
    except FileExistsError:
        make_private(path)


def make_private(path: str) -> None:
    """Take group's and others' rights away, where there are any."""
    if os.name == "nt":
        return  # the folder's access list rules
    with contextlib.suppress(FileNotFoundError):
        info = os.lstat(path)
        if stat.S_ISREG(info.st_mode) and info.st_mode & 0o077:
            os.chmod(path, FILE_MODE)


def replace(temporary: str, path: str) -> None:
    """Put a finished file in its place at once, durably."""
    os.replace(temporary, path)
    if os.name == "nt":
        return
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write(path: str, content: bytes) -> None:
    """Write a private file, whole or not at all."""
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
