"""The text log: on standard error and in files, one line an event, without secrets.

What is written goes through one formatter, so nothing reaches a file or terminal
unmasked or with a control character in it, tracebacks included.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
from datetime import datetime, timezone
from typing import Any, Iterable

from aiproxy.errors import ConfigError
from aiproxy.protocol import headers
from aiproxy.security import credentials
from aiproxy.security.credentials import CredentialMissing
from aiproxy.store import files
from aiproxy.store.settings import Settings
from aiproxy.store.snapshot import Snapshot

FILE_NAME = "aiproxy.log"
MAX_BYTES = 10 * 1024 * 1024
MAX_FILES = 5
MAX_LINE = 20_000
MIN_SECRET_LENGTH = 6  # shorter ones are found in everything
HIDDEN = "[hidden]"

# Whatever it is: our personal keys, our cookie, and what follows "Bearer".
_PATTERNS = (
    re.compile(r"aip_[A-Za-z0-9_-]{16,}"),
    re.compile(r"(?<=aiproxy_session=)[A-Za-z0-9_-]+"),
    re.compile(r"(?i)(?<=bearer )[^\s\"',;]{8,}"),
)


class Redactor:
    """Masks the exact values of secrets, and what looks like one of ours."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def know(self, secrets: Iterable[str]) -> None:
        """The secrets from now on, in place of those before."""
        usable = {secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH}
        # The longest first: one may begin like another.
        self._secrets = tuple(sorted(usable, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """The text without them."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern in _PATTERNS:
            text = pattern.sub(HIDDEN, text)
        return text


def secrets_of(snapshot: Snapshot) -> set[str]:
    """Every secret that the configuration holds or refers to."""
    found = {snapshot.settings.secret_key}
    for provider in snapshot.providers.values():
        try:
            key = credentials.resolve(provider.api_key)
        except CredentialMissing:
            key = ""
        found.update(
            headers.secrets_of(
                key,
                auth_method=provider.auth_method,
                custom_headers=provider.custom_headers,
                http_proxy=provider.http_proxy,
            )
        )
    found.discard("")
    return found


class LineFormatter(logging.Formatter):
    """One line of text or JSON; times in UTC."""

    def __init__(self, redactor: Redactor, *, as_json: bool) -> None:
        super().__init__()
        self._redactor = redactor
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        # Terminal and file show the same line: it is made once.
        line: str | None = getattr(record, "line", None)
        if line is None:
            record.line = line = self._line(record)
        return line

    def _line(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        message = self._clean(message)
        if not self._as_json:
            return f"{_time(record)} {record.levelname} {record.name} {message}"
        fields = getattr(record, "fields", None)
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        for name, value in (fields or {}).items():
            line.setdefault(name, self._clean(value) if _is_text(value) else value)
        return json.dumps(line, ensure_ascii=False, default=str)

    def _clean(self, text: str) -> str:
        return escape(self._redactor.redact(text))[:MAX_LINE]


class PrivateFileHandler(logging.FileHandler):
    """Ten megabytes a file, five files, mode 0600; a full disk stops nothing.

    Rotated here: logging.handlers would load pickle and more, half a megabyte.
    """

    def __init__(self, path: str) -> None:
        self.lost = 0  # lines that could not be written
        super().__init__(path, encoding="utf-8")

    def _open(self) -> io.TextIOWrapper:
        files.make_file(self.baseFilename)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.stream is None or self.stream.closed:
                self.stream = self._open()
            if self.stream.tell() >= MAX_BYTES:
                self._rotate()
        except (OSError, ValueError):
            self.handleError(record)
        else:
            super().emit(record)

    def _rotate(self) -> None:
        """aiproxy.log becomes aiproxy.log.1, that .2, and so on; the last one goes."""
        self.stream.close()
        names = [self.baseFilename]
        names += [f"{self.baseFilename}.{number}" for number in range(1, MAX_FILES)]
        for newer, older in zip(names[-2::-1], names[:0:-1]):
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, older)
        self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        self.lost += 1


def set_up(settings: Settings, redactor: Redactor) -> None:
    """Log as the settings say, from now on; raises ConfigError."""
    formatter = LineFormatter(redactor, as_json=settings.log_format == "json")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    path = os.path.join(os.path.abspath(settings.log_dir), FILE_NAME)
    try:
        files.make_folder(os.path.dirname(path))
        handlers.append(PrivateFileHandler(path))
    except OSError as exc:
        raise ConfigError(
            f"cannot write in {os.path.dirname(path)}"
            f" ({(exc.strerror or 'unknown error').lower()}): make it writable for this"
            " account, or set LOG_DIR to another folder"
        ) from exc
    tear_down()
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.log_level)
    # Says of each request what ours say better, and shows addresses with keys in them.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def tear_down() -> None:
    """Close what `set_up` opened."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler.formatter, LineFormatter):
            root.removeHandler(handler)
            if isinstance(handler, PrivateFileHandler):
                handler.close()


def escape(text: str) -> str:
    """The text in one line: controls, line separators and the like as escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(record.msecs):03d}Z"
