"""A provider's key, or a reference to it that is resolved when it is used.

`env:NAME` and `file:PATH` keep keys out of the database. An admin may choose them, yet
an admin's session is no way into the machine: our own variables are refused, and
files lie below the folders that hold secrets.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Mapping

from aiproxy.errors import UpstreamError

MAX_FILE_BYTES = 8 * 1024
MIN_MASKED_LENGTH = 12  # of shorter ones not even the end is shown
MASK = "…"
ENV, FILE = "env:", "file:"
DEFAULT_SECRETS_DIR = "/run/secrets"

# Those of the settings, and what else configures this server (config.py).
OWN_VARIABLES = frozenset(
    {
        "ADMIN_PASSWORD",
        "ALLOWED_HOSTS",
        "ALL_PROXY",  # may hold a password, which is the proxy's
        "BASE_PATH",
        "CONNECT_TIMEOUT",
        "CREDENTIALS_DIRECTORY",
        "DATABASE_PATH",
        "ENABLE_FULL_LOGGING",
        "ENABLE_STREAMING",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LOG_BODIES",
        "LOG_DIR",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "LOG_MAX_MB",
        "LOG_RETENTION_DAYS",
        "PORT",
        "PROXY_AUTH",
        "PUBLIC_URL",
        "RATE_LIMIT_ENABLED",
        "RATE_LIMIT_REQUESTS",
        "RATE_LIMIT_WINDOW",
        "REQUEST_TIMEOUT",
        "REQUIRE_AUTHENTICATION",
        "SECRETS_DIR",
        "SECRET_KEY",
        "SERVER_HOST",
        "SERVER_PORT",
        "SESSION_COOKIE_SECURE",
        "SHUTDOWN_GRACE",
        "TRUSTED_PROXIES",
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


class CredentialMissing(UpstreamError):
    """The reference leads to no key; the message names it."""


class CredentialRefused(CredentialMissing):
    """The reference may never be used, whatever it leads to."""


def is_reference(value: str) -> bool:
    """True for `env:NAME` and `file:PATH`: no secret itself, and shown as it is."""
    return value.startswith((ENV, FILE))


def mask(value: str) -> str:
    """What a page or an answer shows of a key: never more than its end."""
    if not value or is_reference(value):
        return value
    return MASK + value[-4:] if len(value) >= MIN_MASKED_LENGTH else MASK


def reference_problem(value: str, environ: Mapping[str, str] | None = None) -> str:
    """Why a reference leads to no key now, in words for the form; empty: it does."""
    try:
        resolve(value, environ)
    except CredentialMissing as exc:
        return exc.message
    return ""


def refusal(value: str, environ: Mapping[str, str] | None = None) -> str:
    """Why a reference must not be saved; empty where it may be, found or not yet."""
    try:
        resolve(value, environ)
    except CredentialRefused as exc:
        return exc.message
    except CredentialMissing:
        return ""
    return ""


def resolve(value: str, environ: Mapping[str, str] | None = None) -> str:
    """The key itself; raises CredentialMissing where a reference leads to none."""
    environ = os.environ if environ is None else environ
    if value.startswith(ENV):
        return _usable(value, _from_environment(value, environ))
    if value.startswith(FILE):
        return _usable(value, _from_file(value, environ))
    return value


def secret_folders(environ: Mapping[str, str]) -> list[str]:
    """The folders below which `file:` may read."""
    folders = [
        DEFAULT_SECRETS_DIR,
        environ.get("CREDENTIALS_DIRECTORY", ""),
        environ.get("SECRETS_DIR", ""),
    ]
    return [os.path.realpath(folder) for folder in folders if os.path.isabs(folder)]


def _from_environment(reference: str, environ: Mapping[str, str]) -> str:
    name = reference[len(ENV) :]
    if not _NAME.fullmatch(name):
        raise _refused(reference, "is not the name of a variable")
    # Windows does not tell the cases apart.
    if name.upper() in OWN_VARIABLES:
        raise _refused(reference, "is one of this server's own variables: not allowed")
    if name not in environ:
        raise _missing(reference, "is not set in this server's environment")
    return environ[name]


def _from_file(reference: str, environ: Mapping[str, str]) -> str:
    path = reference[len(FILE) :]
    folders = secret_folders(environ)
    if not os.path.isabs(path) or "\0" in path:
        raise _refused(reference, "is not an absolute path")
    # Secrets are often mounted as links within their folder, so links are followed
    # first and the place that they lead to is judged.
    real = os.path.realpath(path)
    if not any(_is_below(real, folder) for folder in folders):
        raise _refused(
            reference, f"does not lie below {', '.join(folders)} (see SECRETS_DIR)"
        )
    try:
        content = _read(real)
    except OSError as exc:
        reason = (exc.strerror or "unreadable").lower()
        raise _missing(reference, f"cannot be read ({reason})") from None
    if content is None:
        raise _missing(reference, f"is no regular file of up to {MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise _missing(reference, "is not text") from None


def _read(path: str) -> bytes | None:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        content = file.read(MAX_FILE_BYTES + 1)
    return content if len(content) <= MAX_FILE_BYTES else None


def _is_below(path: str, folder: str) -> bool:
    try:
        return path != folder and os.path.commonpath([path, folder]) == folder
    except ValueError:  # another drive
        return False


def _usable(reference: str, value: str) -> str:
    if not value:
        raise _missing(reference, "is empty")
    if not value.isprintable():
        raise _missing(reference, "holds a character that no key has")
    return value


def _missing(reference: str, reason: str) -> CredentialMissing:
    return CredentialMissing(f"the provider's key {reference[:300]} {reason}")


def _refused(reference: str, reason: str) -> CredentialRefused:
    return CredentialRefused(f"the provider's key {reference[:300]} {reason}")
