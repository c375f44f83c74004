"""A database of its own for each test."""

import pytest

from aiproxy.store.database import Database


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "app.db")


@pytest.fixture
def database(path):
    opened = Database(path).open()
    yield opened
    opened.close()


@pytest.fixture
def db(database):
    connection = database.connection()
    # The disk is not what these tests are about; test_database.py is about that too.
    connection.execute("PRAGMA synchronous = OFF")
    return connection
