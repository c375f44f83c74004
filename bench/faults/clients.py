"""Clients that leave at any moment or do not read: `leave`, `slow`."""

from __future__ import annotations

import os
import random
import selectors
import socket
import time
from pathlib import Path
from typing import Callable

from bench.faults.site import BODY, check, open_request, running
from tests.scripted_upstream import Reply


def files_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def leave(clients: int) -> None:
    """Clients leaving at every stage: no file, thread or upstream connection stays."""
    generator = random.Random(2)
    with running() as (server, upstream, _):
        upstream.script = lambda ask: Reply(text="word " * 200, pace=0.02)
        open_request(server).close()
        time.sleep(1)
        pid = server.process.pid
        before = files_of(pid), threads_of(pid)
        for _ in range(clients):
            stage = generator.randrange(4)
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            if stage == 0:
                sock.sendall(b"POST /v1/mess")
            elif stage == 1:
                head = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
                sock.sendall(head + b"Content-Length: 1000\r\n\r\n{")
            else:
                sock.close()
                sock = open_request(server, read=stage == 3)
            if generator.random() < 0.5:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            after = files_of(pid), threads_of(pid)
            if after[0] <= before[0] + 2 and upstream.open_connections <= 2:
                break
            time.sleep(0.2)
        answer = server.request("POST", "/v1/messages/scripted", BODY)
        print(
            f"{clients} clients left: files {before[0]} -> {after[0]}, threads"
            f" {before[1]} -> {after[1]}, upstream connections"
            f" {upstream.open_connections}, next request {answer.status}"
        )
        check(after[0] <= before[0] + 4, "no file handle is left behind")
        check(answer.status == 200, "the server goes on after clients have left")


def slow(streams: int) -> None:
    """Many streams at once, two readers in ten slow: nothing lost, memory bounded."""
    pieces = 300
    with running() as (server, upstream, _):
        text = "@" * 1000 * pieces  # which nothing else in an answer holds
        upstream.script = lambda ask: Reply(text=text, chunk_chars=1000, pace=0.02)
        pid = server.process.pid
        idle = resident_mib(pid)
        socks = [open_request(server, read=False) for _ in range(streams)]
        stalled, prompt = socks[: streams // 5], socks[streams // 5 :]
        peak = [idle]
        seen = read_to_the_end(prompt, lambda: peak.append(resident_mib(pid)))
        late = read_to_the_end(stalled, lambda: None)
        whole = sum(count == len(text) for count in [*seen, *late])
        print(
            f"{streams} streams at once, {len(stalled)} readers stalled: {whole} got"
            f" every character; {idle:.0f} MiB idle, at most {max(peak):.0f}"
        )
        check(whole == streams, "no reader loses anything")
        check(max(peak) - idle < streams // 5 + 60, "a slow reader holds 1 MiB at most")


def read_to_the_end(
    socks: list[socket.socket], every_second: Callable[[], None]
) -> list[int]:
    """Read streams side by side; how many @ each brought before its end."""
    counts, tails = dict.fromkeys(socks, 0), dict.fromkeys(socks, b"")
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        looked = time.monotonic()
        while selector.get_map():
            for key, _ in selector.select(1.0):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                data = sock.recv(1 << 18)
                counts[sock] += data.count(b"@")
                tails[sock] = (tails[sock] + data)[-200:]
                if not data or b'"message_stop"}' in tails[sock]:
                    selector.unregister(sock)
                    sock.close()
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                every_second()
    return [counts[sock] for sock in socks]


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
