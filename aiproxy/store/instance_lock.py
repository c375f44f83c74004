"""One server a database: a lock that the system drops when the process ends.

The file beside the database names the holder's pid. It is never deleted: two starts
could then lock two different files of that name.
"""

from __future__ import annotations

import errno
import os
import sys

from aiproxy.errors import ConfigError
from aiproxy.store import files

_UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
# Windows locks a byte so that nobody can read it: far behind the pid.
_LOCKED_BYTE = 1 << 30


class InstanceLock:
    """Held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, database_path: str) -> None:
        self._database_path = database_path
        self._path = database_path + ".lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises ConfigError naming the process that has it."""
        files.make_file(self._path)
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            _lock(descriptor)
        except OSError as exc:
            if exc.errno not in _UNSUPPORTED:
                holder = _read_pid(descriptor)
                os.close(descriptor)
                raise ConfigError(
                    f"{self._database_path} is in use by another AI Proxy"
                    f" ({holder}): stop it first, or set DATABASE_PATH to another"
                    " file"
                ) from None
            # Some network file systems have no locks; SQLite's own remain.
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up; harmless where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _read_pid(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 20).decode("ascii", "replace").strip()
    return f"pid {text}" if text.isdigit() else "pid unknown"


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # flock, not lockf: it belongs to this descriptor, so a second instance in
        # this process is seen too, and closing another descriptor keeps it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
