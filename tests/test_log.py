"""The text log: one line an event, no secret in it, private files, never in the way."""

import io
import json
import logging
import os
import stat

import pytest

from aiproxy import log
from aiproxy.errors import ConfigError
from aiproxy.store import providers, settings, snapshot
from aiproxy.store.database import Database
from aiproxy.store.settings import Settings

KEY = "sk-secret-0001"


@pytest.fixture
def redactor():
    made = log.Redactor()
    made.know([KEY, "sk-secret-0001-longer", "abc", ""])
    return made


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


@pytest.fixture
def set_up(folder, redactor):
    root = logging.getLogger()
    level = root.level

    def start(**options):
        log.set_up(Settings(log_dir=str(folder), **options), redactor)
        return logging.getLogger("aiproxy.test")

    yield start
    log.tear_down()
    root.setLevel(level)


def lines(folder):
    return (folder / "aiproxy.log").read_text("utf-8").splitlines()


def test_an_event_is_a_line_with_time_level_and_name(set_up, folder):
    set_up().info("started on port %d", 8000)

    [line] = lines(folder)
    time, level, name, message = line.split(" ", 3)
    assert time.endswith("Z")
    assert (level, name, message) == ("INFO", "aiproxy.test", "started on port 8000")


def test_json_lines_hold_the_records_fields(set_up, folder):
    fields = {"status": 200, "model": "a\nb " + KEY, "message": "not this one"}
    set_up(log_format="json").info("done", extra={"fields": fields})

    [line] = map(json.loads, lines(folder))
    assert line["message"] == "done"
    assert line["status"] == 200
    assert line["model"] == "a\\nb [hidden]"


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "a\rb",
        "a\x1b[31mb",
        "a\u2028b",
        "a\x85b",
        "a\x00b",
        "a\ud800b",
        "a\u202eb",
    ],
)
def test_no_text_can_forge_a_line_or_move_the_cursor(set_up, folder, log_format, text):
    set_up(log_format=log_format).info("name: %s", text)

    [line] = lines(folder)
    assert line.isprintable()


def test_a_traceback_is_one_line_without_secrets(set_up, folder):
    logger = set_up()
    try:
        {}[KEY]
    except KeyError:
        logger.exception("failed")

    [line] = lines(folder)
    assert "KeyError" in line
    assert KEY not in line


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"x{KEY}y",
        "sk-secret-0001-longer",
        "aip_" + "a" * 43,
        "Authorization: Bearer abcdefgh12345",
        "cookie: aiproxy_session=" + "s" * 43 + "; x=1",
        "__Host-aiproxy_session=" + "s" * 43,
    ],
)
def test_secrets_and_what_looks_like_ours_are_masked(redactor, text):
    shown = redactor.redact(text)

    assert log.HIDDEN in shown
    for secret in (KEY, "longer", "aaaa", "abcdefgh", "ssss"):
        assert secret not in shown


def test_ordinary_words_stay(redactor):
    text = "abc: the bearer of aip_ bad news"

    assert redactor.redact(text) == text


def test_secrets_are_masked_before_they_are_cut_off(set_up, folder):
    set_up().info("%s%s", "x" * (log.MAX_LINE - 5), KEY)

    assert "sk-se" not in lines(folder)[0]


def test_the_configurations_secrets_are_known(tmp_path, monkeypatch):
    monkeypatch.setenv("A_PROVIDERS_KEY", "from-the-environment")
    database = Database(str(tmp_path / "app.db")).open()
    with database.transaction() as db:
        for number, key in enumerate([KEY, "env:A_PROVIDERS_KEY", "env:NOT_SET"]):
            providers.insert(
                db,
                name=f"P{number}",
                endpoint="https://x.example",
                api_key=key,
                custom_headers={"X-Api-Token": "header-token", "X-Team": "blue"},
            )
        settings.save(db, {"secret_key": "s" * 43})
    found = log.secrets_of(snapshot.load(database.connection()))
    database.close()

    assert found == {KEY, "from-the-environment", "header-token", "s" * 43}


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_folder_and_files_are_private_also_after_they_rotate(
    set_up, folder, monkeypatch
):
    monkeypatch.setattr(log, "MAX_BYTES", 2000)
    before = os.umask(0)
    try:
        logger = set_up()
        for _ in range(200):
            logger.info("x" * 100)
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == log.MAX_FILES == 5


def test_lines_move_on_from_file_to_file(set_up, folder, monkeypatch):
    monkeypatch.setattr(log, "MAX_BYTES", 1)
    logger = set_up()
    for number in range(7):
        logger.info("line %d", number)

    names = ["aiproxy.log", *(f"aiproxy.log.{n}" for n in range(1, 5))]
    found = {p.name: p.read_text().split()[-1] for p in folder.iterdir()}
    assert found == dict(zip(names, "65432"))


def test_what_cannot_be_rotated_is_tried_again(set_up, folder, monkeypatch):
    monkeypatch.setattr(log, "MAX_BYTES", 1)
    logger = set_up()
    logger.info("one")

    def refuse(*_):
        raise PermissionError("held by another program")

    with monkeypatch.context() as patched:
        patched.setattr(log.os, "replace", refuse)
        logger.info("lost")
    logger.info("two")

    found = {p.name: p.read_text().split()[-1] for p in folder.iterdir()}
    assert found == {"aiproxy.log": "two", "aiproxy.log.1": "one"}


def test_ten_megabytes_a_file():
    assert log.MAX_BYTES == 10 * 1024 * 1024


def test_a_full_disk_stops_nothing_and_is_counted(set_up, monkeypatch):
    logger = set_up()
    [handler] = [
        h for h in logging.getLogger().handlers if isinstance(h, log.PrivateFileHandler)
    ]

    class Full(io.StringIO):
        def write(self, _):
            raise OSError("No space left on device")

    monkeypatch.setattr(handler, "stream", Full())
    logger.info("lost")

    assert handler.lost == 1
    monkeypatch.undo()


def test_a_folder_that_cannot_be_made_stops_the_start_in_one_line(tmp_path, redactor):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="LOG_DIR") as caught:
        log.set_up(Settings(log_dir=str(tmp_path / "file" / "logs")), redactor)
    assert "\n" not in caught.value.message


def test_the_level_is_the_settings(set_up, folder):
    logger = set_up(log_level="WARNING")
    logger.info("quiet")
    logger.warning("loud")

    assert [line.split()[-1] for line in lines(folder)] == ["loud"]


def test_setting_up_again_replaces_what_was_there(set_up, folder):
    set_up()
    set_up().info("once")

    assert len(lines(folder)) == 1


def test_the_terminal_gets_the_same_line(set_up, folder, capsys):
    set_up().info("key %s", KEY)

    assert capsys.readouterr().err.splitlines() == lines(folder)
