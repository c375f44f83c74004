"""A private certificate authority and a server certificate for loopback."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files."""

    authority: Path
    certificate: Path
    key: Path


def make(folder: Path, *names: str) -> Certificates:
    """Signed for 127.0.0.1, localhost and `names`, by an authority nobody knows."""
    alternatives = ["IP:127.0.0.1", "DNS:localhost", *(f"DNS:{name}" for name in names)]
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=" + ",".join(alternatives) + "\n")
    _openssl(
        *[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ],
        *("-subj", "/CN=A private authority", "-addext"),
        *("keyUsage=critical,keyCertSign", "-keyout", folder / "ca.key"),
        *("-out", folder / "ca.pem"),
    )
    _openssl(
        *["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
        *("-subj", "/CN=localhost", "-keyout", folder / "key.pem"),
        *("-out", folder / "request.pem"),
    )
    _openssl(
        *["x509", "-req", "-days", "2", "-CAcreateserial"],
        *("-in", folder / "request.pem", "-CA", folder / "ca.pem"),
        *("-CAkey", folder / "ca.key", "-extfile", extensions),
        *("-out", folder / "certificate.pem"),
    )
    return Certificates(
        folder / "ca.pem", folder / "certificate.pem", folder / "key.pem"
    )


def _openssl(*arguments: object) -> None:
    subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, text=True
    )
