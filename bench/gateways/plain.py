"""nginx, which only passes bytes on: the least that a gateway can cost."""

from __future__ import annotations

import shutil
import subprocess
from typing import Mapping, Sequence

from bench.gateways.base import Gateway, Unavailable

_CONFIGURATION = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes auto;
worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 32m;
  client_body_buffer_size 256k;
  upstream measured {{
    server 127.0.0.1:{upstream_port};
    keepalive 1024;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://measured;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
"""


class Nginx(Gateway):
    """Debian's, with its access log and without buffering: nothing is translated."""

    name = "nginx"
    what = "nginx, a plain proxy that translates nothing"

    def _program(self) -> str | None:
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

    def install(self) -> None:
        if self._program() is None:
            raise Unavailable("not installed (apt-get install nginx-light)")

    def version(self) -> str:
        shown = subprocess.run(
            (str(self._program()), "-v"), check=False, capture_output=True, text=True
        )
        return shown.stderr.strip().rpartition("/")[2]

    def command(self) -> Sequence[str]:
        file = self.folder / "nginx.conf"
        text = _CONFIGURATION.format(
            folder=self.folder, port=self.port, upstream_port=self.upstream_port
        )
        file.write_text(text)
        return (
            str(self._program()),
            "-e",
            "error.log",
            "-p",
            str(self.folder),
            "-c",
            str(file),
        )

    def headers(self) -> Mapping[str, str]:
        return {}
