"""What is measured of a gateway, a case at a time; each yields named figures."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Callable, Dict, Sequence

from bench import load
from bench.gateways import Gateway
from bench.load import ENDLESS, Script, Seen, Upstream

Figures = Dict[str, float]
CHUNKS_A_SECOND = 2000  # over all streams, so that their number is what differs
LATE_MS = 100.0  # a stream is in time while the 99th percentile is below
CARRIED_RATE = 50  # chunks a second of each stream that is to be carried in time
BACKLOG_STREAMS, BACKLOG_CHUNKS = 16, 20_000
AGENT_CHUNKS = 5
HANG_UP_SECONDS = 3.0
MEMORY_SECONDS = 1.0


class Failed(Exception):
    """A gateway did not do what the case asks for; why."""


@dataclass(frozen=True)
class Plan:
    """How much is measured, and for how long each time."""

    whole: Sequence[int] = (1, 16, 64)  # connections with answers in one piece
    streamed: Sequence[int] = (1, 16, 64)  # and with a short stream each
    streams: Sequence[int] = (1, 16, 64, 256, 512, 1000)
    memory: Sequence[int] = (256, 1000)  # streams, of a gateway just started
    ladder: Sequence[int] = (
        *(16, 32, 64, 96, 128, 192, 256, 300, 350, 400, 500, 600, 800, 1000, 1500),
    )
    agent_seconds: float = 1.2
    stream_seconds: float = 2.0
    carried_seconds: float = 2.5
    hang_ups: int = 5
    patience: float = 10.0
    rounds: int = 3


QUICK = Plan(
    whole=(1, 16),
    streamed=(1,),
    streams=(1, 64, 256),
    memory=(256,),
    ladder=(64, 128, 256, 384),
    agent_seconds=0.8,
    stream_seconds=1.0,
    carried_seconds=1.5,
    hang_ups=2,
    patience=5.0,
    rounds=1,
)


@dataclass(frozen=True)
class Case:
    """A measurement by name; `is_for_direct` if it is one of delay."""

    name: str
    measure: Callable[[Gateway], Figures]
    is_for_direct: bool = False


def cases(bench: Bench) -> list[Case]:
    """All of a round, in order."""
    plan = bench.plan
    found = [bench.agent_case(count, stream=False) for count in plan.whole]
    found += [bench.agent_case(count, stream=True) for count in plan.streamed]
    found += [bench.streams_case(count) for count in plan.streams]
    found.append(Case("backlog", bench.backlog))
    found.append(Case("hang-up", bench.hang_up))
    found.append(Case("carried", bench.carried))
    return found


class Bench:
    """The cases of one plan; the provider is told its script before each."""

    def __init__(self, plan: Plan, upstream: Upstream) -> None:
        self.plan = plan
        self.upstream = upstream
        self._too_many: dict[str, int] = {}  # streams, of the gateway of that name
        self._carried: dict[str, int] = {}  # the step of the ladder, likewise

    def agent_case(self, connections: int, *, stream: bool) -> Case:
        name = f"{'streamed' if stream else 'whole'}.{connections}"
        return Case(
            name,
            lambda gateway: self.agent(gateway, name, connections, stream=stream),
            is_for_direct=connections == 1,
        )

    def agent(
        self, gateway: Gateway, name: str, connections: int, *, stream: bool
    ) -> Figures:
        """What an agent's request costs, and how long it takes."""
        self.upstream.follow(Script(rate=200, chunks=AGENT_CHUNKS))
        seen = load.run(
            gateway.port,
            gateway.request(stream=stream, is_agents=True),
            connections=connections,
            seconds=self.plan.agent_seconds,
            pieces=AGENT_CHUNKS if stream else 1,
            patience=self.plan.patience,
            cpu=gateway.cpu,
        )
        check(seen)
        if not seen.answers or not seen.whole_ms or not seen.first_ms:
            raise Failed("no answer in time")
        return {
            f"{name}.cpu_ms": seen.gateway_cpu / seen.answers * 1000,
            f"{name}.a_second": seen.answers / seen.seconds,
            f"{name}.p50_ms": seen.whole_ms[0],
            f"{name}.p99_ms": seen.whole_ms[1],
            f"{name}.first_ms": seen.first_ms[0],
        }

    def streams_case(self, count: int) -> Case:
        return Case(
            f"streams.{count}",
            lambda gateway: self.streams(gateway, count),
            is_for_direct=count == 64,
        )

    def streams(self, gateway: Gateway, count: int) -> Figures:
        """What a chunk costs when so many streams share 2,000 chunks a second."""
        fewer = self._too_many.get(gateway.name, count)
        if fewer < count:
            raise Failed(f"not tried, as it failed with {fewer} at once")
        rate = 200 if count == 1 else round(CHUNKS_A_SECOND / count)
        seen = self._stream(
            gateway,
            Script(rate, ENDLESS),
            count,
            self.plan.stream_seconds,
            cpu=gateway.cpu,
        )
        if seen.problem:
            self._too_many[gateway.name] = count
        check(seen)
        if not seen.pieces or not seen.late_ms:
            raise Failed("no chunk in time")
        return {
            f"streams.{count}.cpu_us": seen.gateway_cpu / seen.pieces * 1e6,
            f"streams.{count}.p50_ms": seen.late_ms[0],
            f"streams.{count}.p99_ms": seen.late_ms[1],
        }

    def memory_case(self, count: int) -> Case:
        return Case(f"memory.{count}", lambda gateway: self.memory(gateway, count))

    def memory(self, gateway: Gateway, count: int) -> Figures:
        """What it takes to hold so many streams, having done nothing before."""
        memory = 0.0

        def look() -> float:
            nonlocal memory
            memory = gateway.memory()
            return 0.0

        script = Script(round(CHUNKS_A_SECOND / count), ENDLESS)
        check(self._stream(gateway, script, count, MEMORY_SECONDS, cpu=look))
        return {f"memory.{count}": memory}

    def _stream(
        self,
        gateway: Gateway,
        script: Script,
        count: int,
        seconds: float,
        *,
        cpu: Callable[[], float],
    ) -> Seen:
        self.upstream.follow(script)
        try:
            return load.run(
                gateway.port,
                gateway.request(stream=True, is_agents=False),
                connections=count,
                seconds=seconds,
                pieces=0 if script.chunks == ENDLESS else script.chunks,
                ramp=min(1.0, count / 64),
                patience=self.plan.patience,
                cpu=cpu,
            )
        finally:
            settle(gateway)

    def backlog(self, gateway: Gateway) -> Figures:
        """What a chunk costs when the provider sends as fast as it can."""
        seen = self._stream(
            gateway,
            Script(rate=0, chunks=BACKLOG_CHUNKS),
            BACKLOG_STREAMS,
            self.plan.stream_seconds,
            cpu=gateway.cpu,
        )
        check(seen)
        if not seen.pieces:
            raise Failed("no chunk in time")
        return {
            "backlog.cpu_us": seen.gateway_cpu / seen.pieces * 1e6,
            "backlog.a_second": seen.pieces / seen.seconds,
        }

    def carried(self, gateway: Gateway) -> Figures:
        """How many streams of 50 chunks a second arrive in time; by halving.

        From the second round on the search begins around what was found before.
        """
        ladder = self.plan.ladder
        low, high = -1, len(ladder)
        middle = self._carried.get(gateway.name, (low + high) // 2)
        while high - low > 1:
            if self._is_carried(gateway, ladder[middle]):
                low, middle = middle, middle + 1
            else:
                high, middle = middle, middle - 1
            if not low < middle < high or gateway.name not in self._carried:
                middle = (low + high) // 2
        self._carried[gateway.name] = max(0, low)
        return {"carried": float(ladder[low] if low >= 0 else 0)}

    def _is_carried(self, gateway: Gateway, count: int) -> bool:
        if count >= self._too_many.get(gateway.name, ENDLESS):
            return False
        script = Script(CARRIED_RATE, ENDLESS)
        seconds = self.plan.carried_seconds
        seen = self._stream(gateway, script, count, seconds, cpu=gateway.cpu)
        if seen.lost:
            raise Failed(seen.problem)
        if seen.problem or seen.late_ms is None:
            return False
        wanted = CARRIED_RATE * count * seen.seconds
        return seen.late_ms[1] < LATE_MS and seen.pieces > 0.9 * wanted

    def hang_up(self, gateway: Gateway) -> Figures:
        """How soon a silent provider learns that the client has gone; the worst."""
        self.upstream.follow(Script(rate=200, chunks=1, hold=True))
        request = gateway.request(stream=True, is_agents=False)
        return {
            "hang_up_ms": max(
                self._hang_up_once(gateway, request) for _ in range(self.plan.hang_ups)
            )
        }

    def _hang_up_once(self, gateway: Gateway, request: bytes) -> float:
        before = self.upstream.stats()["cut"]
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as sock:
            sock.sendall(request)
            received = b""
            while b"[000000:" not in received:
                data = sock.recv(65536)
                if not data:
                    raise Failed("closed before the first piece")
                received += data
            time.sleep(0.1)
            left = time.monotonic()
        while time.monotonic() < left + HANG_UP_SECONDS:
            stats = self.upstream.stats()
            if stats["cut"] > before:
                return (stats["cut_at"] / 1e6 - left) * 1000
            time.sleep(0.02)
        raise Failed(f"the provider was not told within {HANG_UP_SECONDS:.0f} s")


def check(seen: Seen) -> None:
    """Raises Failed unless all that was asked for came."""
    if seen.problem:
        raise Failed(seen.problem)


def settle(gateway: Gateway, seconds: float = 4.0) -> None:
    """Wait until it has put away what its clients left."""
    deadline = time.monotonic() + seconds
    time.sleep(0.1)
    while time.monotonic() < deadline:
        before = gateway.cpu()
        time.sleep(0.1)
        if gateway.cpu() - before < 0.005:
            return
