"""The shipped examples of reverse proxies, run for a test; and who speaks to them."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping

from tests.certificates import Certificate
from tests.deploy import daemons
from tests.real_server import Answer

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "ai.example.com"


@dataclass(frozen=True)
class Wanted:
    """What stands in the example's place: this test's ports, files and path."""

    folder: Path
    certificate: Certificate
    port: int
    server_port: int
    base_path: str


def _nginx(wanted: Wanted) -> list[str]:
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{wanted.port} ssl")
    text = text.replace("/etc/ssl/ai.example.com.crt", str(wanted.certificate.cert))
    text = text.replace("/etc/ssl/ai.example.com.key", str(wanted.certificate.key))
    text = text.replace(
        "http://127.0.0.1:8000", f"http://127.0.0.1:{wanted.server_port}"
    )
    if wanted.base_path:
        text = text.replace("location / {", f"location {wanted.base_path}/ {{")
    folder = wanted.folder
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {text}
}}
""")
    return [daemons.find("nginx"), "-p", str(folder), "-c", str(config)]


def _caddy(wanted: Wanted) -> list[str]:
    text = (DEPLOY / "Caddyfile").read_text()
    # A certificate from its own authority cannot be had here.
    files = f"tls {wanted.certificate.cert} {wanted.certificate.key}"
    site = f"{NAME}:{wanted.port} {{\n\tbind 127.0.0.1\n\t{files}"
    text = text.replace(f"{NAME} {{", site)
    matcher = f"{wanted.base_path}/* " if wanted.base_path else ""
    address = f"reverse_proxy {matcher}127.0.0.1:{wanted.server_port} {{"
    text = text.replace("reverse_proxy 127.0.0.1:8000 {", address)
    config = wanted.folder / "Caddyfile"
    own = f"auto_https disable_redirects\n storage file_system {wanted.folder}"
    config.write_text(f"{{\n admin off\n {own}\n}}\n{text}")
    return [
        daemons.find("caddy"),
        "run",
        "--config",
        str(config),
        "--adapter=caddyfile",
    ]


def _traefik(wanted: Wanted) -> list[str]:
    text = (DEPLOY / "traefik.yml").read_text()
    text = text.replace(
        "http://127.0.0.1:8000", f"http://127.0.0.1:{wanted.server_port}"
    )
    if wanted.base_path:
        text = text.replace("Host(`", f"PathPrefix(`{wanted.base_path}`) && Host(`")
    certificate = {
        "certFile": str(wanted.certificate.cert),
        "keyFile": str(wanted.certificate.key),
    }
    stores = {"default": {"defaultCertificate": certificate}}
    dynamic = wanted.folder / "dynamic.yml"
    dynamic.write_text(f"{text}\ntls: {json.dumps({'stores': stores})}\n")
    # What belongs into its other file stands in the example as a comment.
    commented = re.findall(r"^#   (entryPoints: .*\n(?:#     .*\n)*)", text, re.M)[0]
    static = wanted.folder / "static.yml"
    entry = commented.replace("#", " ").replace(":443", f"127.0.0.1:{wanted.port}")
    provider = f"providers: {{file: {{filename: {dynamic}}}}}"
    static.write_text(f"{entry}\n{provider}\nglobal: {{checkNewVersion: false}}\n")
    return [daemons.find("traefik"), f"--configFile={static}"]


FRONTS: Mapping[str, Callable[[Wanted], list[str]]] = {
    "nginx": _nginx,
    "caddy": _caddy,
    "traefik": _traefik,
}


@contextmanager
def running(name: str, wanted: Wanted) -> Iterator[Front]:
    command = FRONTS[name](wanted)
    with daemons.running(command, wanted.port, wanted.folder / f"{name}.log"):
        front = Front(wanted.port, wanted.certificate.cert, wanted.base_path)
        front.wait_until_it_serves()
        yield front


class Front:
    """Speaks https to the proxy, as a browser or a client would."""

    def __init__(self, port: int, authority: Path, base_path: str) -> None:
        self.port, self.base_path = port, base_path
        self._context = ssl.create_default_context(cafile=str(authority))

    def wait_until_it_serves(self, seconds: float = 30.0) -> None:
        """Traefik listens before it has read what it is to serve."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.request("GET", f"{self.base_path}/health").status == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, "the proxy does not reach the server"
            time.sleep(0.05)

    def connect(self, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
        return _Connection(self.port, self._context, source)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        source: str = "127.0.0.1",
    ) -> Answer:
        connection = self.connect(source)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            cookies = tuple(response.headers.get_all("set-cookie") or ())
            return Answer(response.status, found, response.read(), cookies)
        finally:
            connection.close()


class _Connection(http.client.HTTPSConnection):
    """To the name, which no resolver knows, from one of this machine's addresses."""

    def __init__(self, port: int, context: ssl.SSLContext, source: str) -> None:
        super().__init__(NAME, port, context=context, timeout=30)
        self._tls, self._source = context, source

    def connect(self) -> None:
        sock = socket.create_connection(
            ("127.0.0.1", self.port), self.timeout, (self._source, 0)
        )
        self.sock = self._tls.wrap_socket(sock, server_hostname=NAME)
