"""Which value holds, and what the first start makes."""

import os
from contextlib import closing

import pytest

from aiproxy import config
from aiproxy.errors import ConfigError
from aiproxy.security.passwords import Passwords
from aiproxy.store import providers, settings, users
from aiproxy.store.database import Database

HASHER = Passwords(4, min_cost=4)
GOOD = "several words are good"


@pytest.fixture
def environ(tmp_path):
    return {"DATABASE_PATH": str(tmp_path / "app.db")}


def start(environ, **flags):
    return config.prepare(flags, environ, HASHER)


def admin_of(prepared):
    [admin] = users.list_all(prepared.database.connection())
    return admin


def test_a_flag_goes_before_a_variable_before_the_database_before_the_default(environ):
    with closing(start(environ).database) as database, database.transaction() as db:
        settings.save(db, {"server_port": 9001, "request_timeout": 5})

    prepared = start(environ)
    assert prepared.settings.server_port == 9001
    prepared.database.close()
    prepared = start({**environ, "SERVER_PORT": "9002"})
    assert prepared.settings.server_port == 9002
    prepared.database.close()
    prepared = start({**environ, "SERVER_PORT": "9002"}, server_port=9003)
    prepared.database.close()

    assert prepared.settings.server_port == 9003
    assert prepared.fixed["server_port"].source == "--port"
    assert prepared.settings.request_timeout == 5
    assert prepared.settings.connect_timeout == 10


@pytest.mark.parametrize(
    ("variables", "port", "source"),
    [
        ({"PORT": "9001"}, 9001, "PORT"),
        ({"PORT": "9001", "SERVER_PORT": "9002"}, 9002, "SERVER_PORT"),
        ({"PORT": "9001", "SERVER_PORT": ""}, 9001, "PORT"),
    ],
)
def test_the_port_may_come_from_either_variable(variables, port, source):
    fixed = config.fixed_values({"server_port": None}, variables)

    assert (fixed["server_port"].value, fixed["server_port"].source) == (port, source)


def test_an_empty_variable_counts_as_not_set():
    assert config.fixed_values({}, {"SERVER_HOST": "", "LOG_DIR": "  "}) == {}


@pytest.mark.parametrize(("text", "bodies"), [("true", "all"), ("0", "none")])
def test_full_logging_may_be_fixed_by_its_short_form(text, bodies):
    fixed = config.fixed_values({}, {"ENABLE_FULL_LOGGING": text})

    assert fixed["log_bodies"].value == bodies
    assert fixed["log_bodies"].source == "ENABLE_FULL_LOGGING"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SERVER_PORT", "http"),
        ("RATE_LIMIT_ENABLED", "perhaps"),
        ("ENABLE_FULL_LOGGING", "perhaps"),
        ("TRUSTED_PROXIES", "everyone"),
        ("SECRET_KEY", "short"),
    ],
)
def test_an_unusable_variable_stops_the_start_and_is_named(environ, variable, value):
    with pytest.raises(ConfigError) as caught:
        start({**environ, variable: value})

    assert variable in caught.value.message
    assert "\n" not in caught.value.message
    assert not os.path.exists(environ["DATABASE_PATH"])


def test_settings_that_exclude_one_another_stop_the_start(environ):
    with pytest.raises(ConfigError, match="PROXY_AUTH: Off is refused"):
        start({**environ, "SERVER_HOST": "0.0.0.0", "PROXY_AUTH": "off"})

    start(environ).database.close()


def test_the_database_is_app_db_unless_it_is_set():
    assert config.database_path({}) == "app.db"
    assert config.database_path({"DATABASE_PATH": "/data/x.db"}) == "/data/x.db"


def test_the_first_start_makes_presets_admin_and_secret_key(environ):
    with closing(start(environ).database) as database:
        db = database.connection()
        assert len(providers.list_all(db)) == 6
        assert len(settings.load(db).secret_key) == 43


def test_on_loopback_the_first_password_is_the_default_and_must_change(environ):
    prepared = start(environ)
    with closing(prepared.database):
        admin = admin_of(prepared)

    assert HASHER.verify("admin123", admin.password_hash)
    assert admin.must_change_password
    assert prepared.random_password == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_elsewhere_the_first_password_is_random_and_an_ordinary_one(environ, host):
    prepared = start({**environ, "SERVER_HOST": host})
    with closing(prepared.database):
        admin = admin_of(prepared)

    assert HASHER.verify(prepared.random_password, admin.password_hash)
    assert not HASHER.verify("admin123", admin.password_hash)
    assert not admin.must_change_password
    assert prepared.random_password not in repr(prepared)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_given_first_password_is_an_ordinary_one(environ, host):
    prepared = start({**environ, "SERVER_HOST": host, "ADMIN_PASSWORD": GOOD})
    with closing(prepared.database):
        admin = admin_of(prepared)

    assert HASHER.verify(GOOD, admin.password_hash)
    assert not admin.must_change_password
    assert prepared.random_password == ""


@pytest.mark.parametrize("password", ["admin123", "short", "x" * 1025])
def test_an_unfit_first_password_stops_the_start_before_a_file_is_made(
    environ, password
):
    with pytest.raises(ConfigError, match="ADMIN_PASSWORD") as caught:
        start({**environ, "ADMIN_PASSWORD": password})

    assert password not in caught.value.message
    assert not os.path.exists(environ["DATABASE_PATH"])


def test_an_unfit_first_password_stops_the_start_of_an_empty_database_too(environ):
    Database(environ["DATABASE_PATH"]).open().close()

    with pytest.raises(ConfigError, match="ADMIN_PASSWORD"):
        start({**environ, "ADMIN_PASSWORD": "short"})


def test_later_starts_do_not_read_the_first_password(environ):
    start(environ).database.close()

    prepared = start({**environ, "ADMIN_PASSWORD": GOOD})
    with closing(prepared.database):
        assert HASHER.verify("admin123", admin_of(prepared).password_hash)
    start({**environ, "ADMIN_PASSWORD": "short"}).database.close()


def test_a_later_start_keeps_everything(environ):
    with closing(start(environ).database) as database:
        secret_key = settings.load(database.connection()).secret_key

    with closing(start(environ).database) as database:
        db = database.connection()
        assert settings.load(db).secret_key == secret_key
        assert len(providers.list_all(db)) == 6


def test_a_secret_key_that_was_lost_is_made_anew(environ):
    with closing(start(environ).database) as database, database.transaction() as db:
        db.execute("DELETE FROM settings")

    with closing(start(environ).database) as database:
        assert len(settings.load(database.connection()).secret_key) == 43


def test_a_stored_setting_that_cannot_be_used_stops_the_start_and_frees_the_lock(
    environ,
):
    with closing(start(environ).database) as database, database.transaction() as db:
        db.execute("INSERT INTO settings VALUES ('server_port', '\"x\"')")

    for _ in range(2):
        with pytest.raises(ConfigError, match="server_port"):
            start(environ)


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_what_is_made_after_the_start_is_private(environ, tmp_path):
    before = os.umask(0)
    try:
        start(environ).database.close()
        (tmp_path / "later").write_text("")
    finally:
        os.umask(before)

    assert (tmp_path / "later").stat().st_mode & 0o077 == 0
