"""Settings: declared once, saved one by one, fixed values before stored ones."""

import pytest

from aiproxy.errors import StoreError
from aiproxy.store import settings
from aiproxy.store.settings import SETTINGS, Fixed, Settings

# The contract's names, with the variables and defaults that it gives.
CONTRACT = {
    "server_host": ("SERVER_HOST", "127.0.0.1"),
    "server_port": ("SERVER_PORT", 8000),
    "secret_key": ("SECRET_KEY", ""),
    "require_authentication": (None, True),
    "proxy_auth": ("PROXY_AUTH", "auto"),
    "session_cookie_secure": ("SESSION_COOKIE_SECURE", False),
    "log_dir": ("LOG_DIR", "logs"),
    "log_retention_days": (None, 30),
    "enable_streaming": (None, True),
    "request_timeout": (None, 600),
    "connect_timeout": (None, 10),
    "rate_limit_enabled": ("RATE_LIMIT_ENABLED", True),
    "rate_limit_requests": (None, 600),
    "rate_limit_window": (None, 60),
    "trusted_proxies": ("TRUSTED_PROXIES", ()),
    "base_path": ("BASE_PATH", ""),
    "public_url": ("PUBLIC_URL", ""),
    "allowed_hosts": ("ALLOWED_HOSTS", ()),
    "log_bodies": (None, "none"),
    "log_max_mb": ("LOG_MAX_MB", 512),
    "log_format": ("LOG_FORMAT", "text"),
    "log_level": ("LOG_LEVEL", "INFO"),
    "shutdown_grace": (None, 30),
}


def test_the_settings_are_those_of_the_contract():
    assert set(SETTINGS) == set(CONTRACT)
    for name, (variable, default) in CONTRACT.items():
        assert SETTINGS[name].default == default
        assert variable is None or SETTINGS[name].env[0] == variable
    assert SETTINGS["server_port"].env == ("SERVER_PORT", "PORT")


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_can_be_explained_and_its_default_stored(name):
    setting = SETTINGS[name]

    assert setting.help.endswith(".")
    assert setting.env
    if not setting.is_secret:
        assert setting.parse(setting.default) == setting.default


def test_nothing_saved_means_the_defaults(db):
    assert settings.load(db) == Settings()


def test_saved_values_read_back_equal(db):
    saved = {
        "server_port": 9000,
        "allowed_hosts": ("a.example.org", "b.example.org"),
        "enable_streaming": False,
        "log_bodies": "errors",
        "public_url": "https://ä.example.org",
    }
    values = {name: value for name, value in saved.items() if name != "public_url"}

    settings.save(db, values)

    assert settings.load(db) == Settings(**values)


def test_a_fixed_value_goes_before_a_stored_one(db):
    settings.save(db, {"server_port": 9000, "log_max_mb": 7})

    loaded = settings.load(db, {"server_port": Fixed(1234, "SERVER_PORT")})

    assert (loaded.server_port, loaded.log_max_mb) == (1234, 7)


def test_a_row_of_an_unknown_setting_is_ignored(db):
    db.execute("INSERT INTO settings VALUES ('of_a_later_version', '1')")

    assert settings.load(db) == Settings()


@pytest.mark.parametrize("stored", ['"x"', "not json", "-5"])
def test_a_stored_value_that_cannot_be_used_is_named(db, stored):
    db.execute("INSERT INTO settings VALUES ('server_port', ?)", (stored,))

    with pytest.raises(StoreError, match="server_port"):
        settings.load(db)


def changes(fields, current=None, **options):
    return settings.parse_changes(fields, current or Settings(), **options)


def test_changes_are_parsed_and_errors_named_by_field():
    values, errors = changes({"server_port": "9000", "request_timeout": "soon"})

    assert values == {"server_port": 9000}
    assert set(errors) == {"request_timeout"}


def test_an_unknown_setting_is_refused():
    values, errors = changes({"colour": "red"})

    assert values == {}
    assert set(errors) == {"colour"}


def test_another_value_for_a_fixed_setting_is_refused_and_names_the_variable():
    fixed = {"server_port": "SERVER_PORT"}

    values, errors = changes({"server_port": "9000"}, fixed=fixed)

    assert values == {}
    assert "SERVER_PORT" in errors["server_port"]


def test_the_same_value_for_a_fixed_setting_is_accepted_and_not_stored():
    fixed = {"server_port": "SERVER_PORT"}

    assert changes({"server_port": "8000"}, fixed=fixed) == ({}, {})


@pytest.mark.parametrize(("short", "bodies"), [(True, "all"), ("false", "none")])
def test_the_short_form_of_full_logging_sets_the_bodies(short, bodies):
    values, errors = changes({"enable_full_logging": short})

    assert (values, errors) == ({"log_bodies": bodies}, {})


def test_the_bodies_setting_goes_before_its_short_form():
    sent = {"enable_full_logging": False, "log_bodies": "errors"}

    assert changes(sent) == ({"log_bodies": "errors"}, {})


def test_an_empty_secret_keeps_the_stored_one():
    assert changes({"secret_key": ""}, Settings(secret_key="s" * 43)) == ({}, {})


def test_open_proxying_is_refused_beyond_loopback():
    current = Settings(server_host="0.0.0.0")

    assert "proxy_auth" in changes({"proxy_auth": "off"}, current)[1]
    assert changes({"proxy_auth": "off"})[1] == {}


def test_listening_on_everything_is_refused_while_proxying_is_open():
    current = Settings(proxy_auth="off")

    assert "proxy_auth" in changes({"server_host": "::"}, current)[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_are_known(host):
    assert Settings(server_host=host).is_loopback_bind


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_all_other_addresses_count_as_the_internet(host):
    assert not Settings(server_host=host).is_loopback_bind


def test_visible_settings_hold_no_secret():
    shown = settings.visible(Settings(secret_key="hush-hush-hush-hush"))

    assert "hush" not in str(shown)
    assert set(shown) == set(CONTRACT) - {"secret_key"} | {"enable_full_logging"}


def test_settings_that_wait_for_a_restart_are_named():
    started = Settings()

    now = Settings(server_port=9000, request_timeout=5)

    assert settings.restart_fields(started, now) == ["server_port"]
