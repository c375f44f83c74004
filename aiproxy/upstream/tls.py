"""TLS to providers: always verified, with contexts that all connections share.

A context of its own for each connection would load the system's certificates anew:
25 ms of CPU instead of 2.
"""

from __future__ import annotations

import errno
import os
import ssl
import stat
import threading
from typing import Optional, Tuple

from aiproxy.errors import UpstreamUnreachable

MAX_CA_BYTES = 8 * 1024 * 1024  # the systems' own bundles have a quarter of one

_Key = Tuple[str, Optional[float]]


class TLSContexts:
    """One context for the system's certificates, one more for each `ca_file`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[_Key, ssl.SSLContext] = {}

    def get(self, ca_file: str) -> ssl.SSLContext:
        """The certificates of `ca_file` count beside the system's."""
        key = (ca_file, _modified(ca_file))
        with self._lock:
            context = self._contexts.get(key)
            if context is None:
                context = self._contexts[key] = _make_context(ca_file)
            return context


def _modified(ca_file: str) -> float | None:
    # A file that was replaced is read again.
    try:
        return os.stat(ca_file).st_mtime if ca_file else None
    except OSError as exc:
        raise _unreadable(ca_file, exc) from exc


def _make_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()  # honours SSL_CERT_FILE and SSL_CERT_DIR
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(cadata=_read_certificates(ca_file))
        except OSError as exc:  # ssl.SSLError too
            raise _unreadable(ca_file, exc) from exc
    return context


def _read_certificates(ca_file: str) -> str:
    """The PEM text of a regular file: a pipe or a device would be read for ever."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(ca_file, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        content = file.read(MAX_CA_BYTES + 1)
    if len(content) > MAX_CA_BYTES:
        raise OSError(errno.EFBIG, "it is too large")
    # Comments between certificates may be in any encoding; they are not read.
    text = content.decode("ascii", "ignore")
    if "-----BEGIN" not in text:
        raise OSError(errno.EINVAL, "no certificates in it")
    return text


def _unreadable(ca_file: str, exc: OSError) -> UpstreamUnreachable:
    reason = exc.strerror or "no certificates in it"
    name = os.path.basename(ca_file)
    return UpstreamUnreachable(
        f"the provider's CA file {name!r} cannot be used: {reason}", kind="tls"
    )


def describe_failure(host: str, exc: OSError) -> str:
    """What went wrong in a handshake, and what a person can do about it."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} was not accepted: {exc.verify_message}. If an"
            " authority of your own signed it, name that one's certificate in the"
            " provider's CA file, or in SSL_CERT_FILE"
        )
    if isinstance(exc, ssl.SSLError):
        reason = (exc.reason or "unknown").replace("_", " ").lower()
        return f"no TLS connection with {host}: {reason}"
    return f"no TLS connection with {host}: {exc.strerror or 'it was closed'}"
