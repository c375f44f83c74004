"""A provider's response head: bytes in, status and headers out, or UpstreamBroken."""

from __future__ import annotations

import re
from typing import Mapping

from aiproxy.errors import UpstreamBroken
from aiproxy.records import dataclass

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100
MAX_INTERIM = 8  # 1xx answers before the real one

# Lines that end in LF alone are refused, which takes seeing their end.
HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?"
)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")


@dataclass(frozen=True)
class ResponseHead:
    """`headers` has lower-case names; values of a repeated one are joined by commas."""

    status: int
    headers: Mapping[str, str]
    minor_version: int = 1

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may carry another request."""
        options = [
            option.strip().lower()
            for option in self.headers.get("connection", "").split(",")
        ]
        if "close" in options:
            return False
        if "transfer-encoding" in self.headers and (
            "content-length" in self.headers or self.minor_version == 0
        ):
            # RFC 9112 section 6.1: who sends both may have been tricked into it.
            return False
        return self.minor_version == 1 or "keep-alive" in options


def parse_head(data: bytes) -> ResponseHead:
    """Parse a head up to and without its empty line."""
    lines = data.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if status_line is None:
        raise UpstreamBroken("the provider does not answer in HTTP/1.1")
    status = int(status_line.group(2))
    if status > 599:
        raise UpstreamBroken(f"the provider answered with the odd status {status}")
    if len(lines) - 1 > MAX_FIELDS:
        raise UpstreamBroken(f"the provider's answer has over {MAX_FIELDS} headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise UpstreamBroken("the provider's answer has a malformed header")
        name = field.group(1).decode("ascii").lower()
        value = field.group(2).strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ResponseHead(status, headers, int(status_line.group(1)))
