"""Configuration in effect, and places for requests."""

import threading

import pytest

from aiproxy.errors import Overloaded
from aiproxy.services import Running, Services
from aiproxy.store import providers, settings
from aiproxy.store.database import Database
from aiproxy.store.settings import Fixed


@pytest.fixture
def database(tmp_path):
    return Database(str(tmp_path / "app.db")).open()


@pytest.fixture
def services(database):
    services = Services(database=database)
    yield services
    services.close()


def test_a_change_is_in_effect_once_its_transaction_has_ended(services):
    before = services.snapshot
    with services.transaction() as db:
        providers.insert(db, name="A", endpoint="http://localhost/v1")
        assert services.snapshot is before

    assert services.snapshot.find_provider("a") is not None
    assert before.find_provider("a") is None


def test_a_change_that_fails_leaves_everything_as_it_was(services):
    def change():
        with services.transaction() as db:
            providers.insert(db, name="A", endpoint="http://localhost/v1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()

    assert services.snapshot.find_provider("a") is None


def test_what_needs_a_restart_is_said_until_it_has_happened(services):
    assert not services.is_restart_required()
    with services.transaction() as db:
        settings.save(db, {"server_port": 8123})

    assert services.is_restart_required()
    assert services.settings.server_port == 8123
    assert services.started_with.server_port == 8000


def test_a_fixed_value_goes_before_the_stored_one(database):
    fixed = {"server_port": Fixed(9000, "SERVER_PORT")}
    services = Services(database=database, fixed=fixed)
    with services.transaction() as db:
        settings.save(db, {"server_port": 8123})

    assert services.settings.server_port == 9000
    assert services.snapshot.fixed == {"server_port": "SERVER_PORT"}
    services.close()


def test_places_are_given_up_to_the_limit_and_given_back():
    running = Running(limit=2)
    running.enter()
    running.enter()
    with pytest.raises(Overloaded) as caught:
        running.enter()
    assert caught.value.headers["retry-after"] == "5"
    running.leave()
    running.enter()
    assert running.requests == 2


def test_places_are_counted_right_from_many_threads():
    running = Running(limit=10_000)

    def work():
        for _ in range(500):
            running.enter()
            running.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running.requests == 0
