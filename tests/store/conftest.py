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
    return database.connection()
