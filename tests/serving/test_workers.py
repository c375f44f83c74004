"""A pool has as many threads as requests wait, within its bounds, and loses none."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, Callable, Iterator

import pytest

from aiproxy.serving import workers
from aiproxy.serving.workers import WorkerPool, Workers
from tests.patience import SECONDS, wait_until

MakePool = Callable[..., WorkerPool]


class Work:
    """Runs until released."""

    def __init__(self, *, released: bool = False) -> None:
        self.started = threading.Event()
        self.release = threading.Event()
        self.done = threading.Event()
        if released:
            self.release.set()

    def service(self) -> None:
        self.started.set()
        self.release.wait(SECONDS)
        self.done.set()


class Slow(Work):
    def service(self) -> None:
        time.sleep(0.01)
        self.done.set()


class Failing(Work):
    def service(self) -> None:
        raise RuntimeError("a mistake")


@pytest.fixture
def make_pool() -> Iterator[MakePool]:
    pools: list[WorkerPool] = []

    def make(**options: float) -> WorkerPool:
        made = WorkerPool("test", **{"minimum": 1, "maximum": 4, **options})  # type: ignore[arg-type]
        pools.append(made)
        return made

    yield make
    for pool in pools:
        pool.stop(SECONDS)


def test_no_thread_is_started_before_there_is_work(make_pool: MakePool):
    assert make_pool().size == 0


def test_requests_that_wait_for_something_do_not_wait_for_one_another(make_pool):
    pool, works = make_pool(), [Work() for _ in range(4)]
    for work in works:
        pool.add_task(work)

    assert all(work.started.wait(SECONDS) for work in works)
    for work in works:
        work.release.set()


def test_a_crowd_that_waits_for_others_gets_threads_a_few_at_a_time(make_pool):
    pool, works = make_pool(maximum=100), [Work() for _ in range(90)]
    for work in works:
        pool.add_task(work)

    assert all(work.started.wait(SECONDS) for work in works)
    assert pool.size >= 90
    for work in works:
        work.release.set()


def test_tasks_that_are_taken_soon_get_no_further_thread(make_pool, monkeypatch):
    monkeypatch.setattr(workers, "STUCK_SECONDS", 60.0)
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 60.0)
    pool, works = make_pool(minimum=2), [Work(released=True) for _ in range(200)]
    for work in works:
        pool.add_task(work)

    assert all(work.done.wait(SECONDS) for work in works)
    assert pool.size == 2


def test_a_task_waits_for_a_while_at_most_even_where_others_are_taken(
    make_pool, monkeypatch
):
    monkeypatch.setattr(workers, "STUCK_SECONDS", 0.03)
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.1)
    pool, works = make_pool(), [Slow() for _ in range(200)]
    for work in works:
        pool.add_task(work)

    wait_until(lambda: pool.size == 4)


def test_where_the_system_gives_no_thread_the_others_serve(
    make_pool, monkeypatch, caplog
):
    monkeypatch.setattr(workers, "NO_THREAD_SECONDS", 60.0)
    first, pool = Work(), make_pool()
    pool.add_task(first)
    assert first.started.wait(SECONDS)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "test":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    works = [Work(released=True) for _ in range(5)]
    for work in works:
        pool.add_task(work)
    wait_until(lambda: "no further thread can be started" in caplog.text)
    first.release.set()

    assert all(work.done.wait(SECONDS) for work in works)
    assert pool.size == 1
    assert caplog.text.count("no further thread can be started beside 1") == 1


def test_beyond_the_maximum_the_next_one_waits_for_a_thread(make_pool):
    pool, works = make_pool(maximum=2), [Work() for _ in range(3)]
    for work in works:
        pool.add_task(work)
    assert works[0].started.wait(SECONDS)
    assert works[1].started.wait(SECONDS)
    assert pool.size == 2
    assert not works[2].started.is_set()

    works[0].release.set()
    assert works[2].started.wait(SECONDS)
    works[1].release.set()
    works[2].release.set()


def test_one_thread_is_enough_for_one_request_after_the_other(make_pool):
    pool = make_pool()
    for _ in range(20):
        work = Work(released=True)
        pool.add_task(work)
        assert work.done.wait(SECONDS)
        wait_until(lambda: pool.idle == pool.size)

    assert pool.size == 1


def test_the_thread_that_worked_last_works_next(make_pool):
    pool, works = make_pool(minimum=3), [Work() for _ in range(3)]
    for work in works:
        pool.add_task(work)
    for work in works:
        work.release.set()
    wait_until(lambda: pool.idle == 3)

    def thread_of_next() -> int:
        names: list[int] = []
        work = Work(released=True)
        service = work.service
        work.service = lambda: (names.append(threading.get_ident()), service())  # type: ignore[method-assign]
        pool.add_task(work)
        assert work.done.wait(SECONDS)
        wait_until(lambda: pool.idle == 3)
        return names[0]

    assert len({thread_of_next() for _ in range(5)}) == 1


def test_a_task_that_comes_as_a_thread_gives_up_is_not_lost(make_pool):
    pool = make_pool(minimum=0, idle_seconds=0.001)
    for _ in range(300):
        work = Work(released=True)
        pool.add_task(work)
        assert work.done.wait(SECONDS)
        time.sleep(0.0005)


def test_idle_threads_end_down_to_the_minimum(make_pool):
    pool, works = make_pool(idle_seconds=0.05), [Work() for _ in range(4)]
    for work in works:
        pool.add_task(work)
    for work in works:
        work.release.set()

    wait_until(lambda: pool.size == 1)
    last = Work(released=True)
    pool.add_task(last)
    assert last.done.wait(SECONDS)


@pytest.mark.filterwarnings("ignore")
def test_a_mistake_costs_no_thread(make_pool, caplog):
    pool = make_pool(maximum=1)
    pool.add_task(Failing())
    work = Work(released=True)
    pool.add_task(work)

    assert work.done.wait(SECONDS)
    assert "a worker failed" in caplog.text


def test_stopping_ends_all_threads(make_pool):
    pool, work = make_pool(), Work(released=True)
    pool.add_task(work)
    pool.stop(SECONDS)

    assert work.done.is_set()
    assert pool.size == 0


def test_half_of_the_page_workers_may_wait_for_readers_and_all_of_the_apis():
    workers = Workers(api_workers=1, page_workers=4)
    page, api = channel_with(is_api=False), channel_with(is_api=True)
    with ExitStack() as stack:
        waits = [stack.enter_context(workers.waiting_for(page)) for _ in range(3)]
        assert waits == [True, True, False]
        assert stack.enter_context(workers.waiting_for(api))
        assert stack.enter_context(workers.waiting_for(api))
    with workers.waiting_for(page) as may_wait:
        assert may_wait
    workers.stop(0)


def channel_with(*, is_api: bool) -> Any:
    """As much of a channel as tells where its request belongs."""
    return SimpleNamespace(requests=[SimpleNamespace(is_api=is_api, error=None)])
