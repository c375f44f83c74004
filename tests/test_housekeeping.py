"""What the server does for itself while it runs."""

import pytest

from aiproxy.housekeeping import Housekeeping
from aiproxy.services import Services
from aiproxy.store import maintenance, settings
from aiproxy.store.database import Database
from tests.entries import log_entry
from tests.patience import wait_until


@pytest.fixture
def services(tmp_path):
    services = Services(database=Database(str(tmp_path / "app.db")).open())
    yield services
    services.close()


@pytest.fixture
def house(services):
    house = Housekeeping(services, watch_seconds=0.02, prune_seconds=0.05)
    house.start()
    yield house
    house.stop()


def test_a_change_by_another_process_holds_within_moments(services, house, tmp_path):
    other = Database(str(tmp_path / "app.db"), is_server=False).open()
    with other.transaction() as db:
        settings.save(db, {"connect_timeout": 3})
    other.close()

    wait_until(lambda: services.settings.connect_timeout == 3)


def test_an_unlock_by_another_process_lifts_the_lock(services, house, tmp_path):
    guard = services.login_guard
    for _ in range(5):
        with guard.attempt("ann", "127.0.0.1"):
            pass
    assert guard.failures("ann") == 5
    maintenance.unlock(str(tmp_path / "app.db"))

    wait_until(lambda: guard.failures("ann") == 0)


def test_old_rows_are_pruned(services, house):
    old = log_entry(id="old", time=services.now() - 400 * 86400)
    new = log_entry(id="new", time=services.now())
    services.log_writer.add(old)
    services.log_writer.add(new)
    services.log_writer.flush()
    db = services.database.connection()

    def kept():
        return [row["id"] for row in db.execute("SELECT id FROM request_log")]

    wait_until(lambda: kept() == ["new"])


def test_it_stops_when_told(services):
    house = Housekeeping(services, watch_seconds=0.02)
    house.start()
    house.stop()
    house.stop()
