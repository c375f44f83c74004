"""What waits for a browser session waits ten minutes, for that session alone."""

from __future__ import annotations

import pytest

from aiproxy.security.session_memory import SessionMemory


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory(clock):
    return SessionMemory(clock, lifetime_seconds=600, max_entries=3)


def test_a_value_is_found_until_it_is_taken(memory):
    memory.put("ada", "key", "secret")

    assert memory.find("ada", "key") == "secret"
    assert memory.take("ada", "key") == "secret"
    assert memory.find("ada", "key") is None


def test_another_session_finds_nothing(memory):
    memory.put("ada", "key", "secret")

    assert memory.find("bob", "key") is None


def test_a_value_is_gone_after_its_time(memory, clock):
    memory.put("ada", "key", "secret")
    clock.now += 600

    assert memory.find("ada", "key") is None
    assert memory.take("ada", "key") is None


def test_putting_it_again_begins_its_time_anew(memory, clock):
    memory.put("ada", "key", "one")
    clock.now += 500
    memory.put("ada", "key", "two")
    clock.now += 500

    assert memory.find("ada", "key") == "two"


def test_the_oldest_give_way(memory):
    for number in range(4):
        memory.put("ada", str(number), number)

    assert memory.find("ada", "0") is None
    assert memory.find("ada", "3") == 3


def test_nothing_is_remembered_without_a_session(memory):
    memory.put("", "key", "secret")

    assert memory.find("", "key") is None


def test_a_logout_forgets_all_of_the_session(memory):
    memory.put("ada", "key", "secret")
    memory.put("bob", "key", "other")
    memory.forget_session("ada")

    assert memory.find("ada", "key") is None
    assert memory.find("bob", "key") == "other"


def test_a_session_with_a_new_id_keeps_what_waits(memory, clock):
    memory.put("ada", "key", "secret")
    memory.move_session("ada", "ada again")

    assert memory.find("ada", "key") is None
    assert memory.find("ada again", "key") == "secret"
    clock.now += 600
    assert memory.find("ada again", "key") is None


def test_a_moved_value_ends_at_its_own_time_though_others_are_younger(memory, clock):
    memory.put("ada", "old", "secret")
    clock.now += 300
    memory.put("bob", "young", "other")
    memory.move_session("ada", "ada again")
    clock.now += 300

    assert memory.find("ada again", "old") is None
    assert memory.find("bob", "young") == "other"


def test_no_value_is_in_its_repr(memory):
    memory.put("ada", "key", "sk-secret")

    assert "sk-secret" not in repr(memory)
