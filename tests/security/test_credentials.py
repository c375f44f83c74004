"""References to keys: found where they may be, refused everywhere else."""

import os

import pytest

from aiproxy import config
from aiproxy.errors import UpstreamError
from aiproxy.security import credentials
from aiproxy.security.credentials import CredentialMissing, CredentialRefused
from aiproxy.store.settings import FULL_LOGGING, SETTINGS

KEY = "sk-secret-0001"


@pytest.fixture
def secrets(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "key").write_text(KEY + "\n")
    return folder


@pytest.fixture
def environ(secrets):
    return {"SECRETS_DIR": str(secrets), "OPENROUTER_KEY": KEY, "EMPTY": ""}


def test_a_plain_key_is_itself():
    assert credentials.resolve(KEY, {}) == KEY
    assert credentials.resolve("", {}) == ""


def test_a_variable_is_read_when_it_is_used(environ):
    assert credentials.resolve("env:OPENROUTER_KEY", environ) == KEY
    environ["OPENROUTER_KEY"] = "other"
    assert credentials.resolve("env:OPENROUTER_KEY", environ) == "other"


def test_the_servers_own_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("SOME_PROVIDER_KEY", KEY)

    assert credentials.resolve("env:SOME_PROVIDER_KEY") == KEY


def test_a_file_is_read_when_it_is_used(secrets, environ):
    assert credentials.resolve(f"file:{secrets}/key", environ) == KEY


@pytest.mark.parametrize("variable", ["SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
def test_both_folders_of_the_environment_count(secrets, variable):
    found = credentials.resolve(f"file:{secrets}/key", {variable: str(secrets)})

    assert found == KEY


def test_a_link_within_the_folder_is_followed(secrets, environ):
    # As Kubernetes mounts them.
    (secrets / "..data").mkdir()
    (secrets / "..data" / "real").write_text(KEY)
    (secrets / "linked").symlink_to(secrets / "..data" / "real")

    assert credentials.resolve(f"file:{secrets}/linked", environ) == KEY


def test_the_refused_variables_are_all_that_configure_this_server():
    own = {variable for setting in SETTINGS.values() for variable in setting.env}
    own |= {*config.ENVIRONMENT_ONLY, FULL_LOGGING.upper(), "CREDENTIALS_DIRECTORY"}
    own |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}  # they may hold a password

    assert own == credentials.OWN_VARIABLES


@pytest.mark.parametrize("name", ["SECRET_KEY", "ADMIN_PASSWORD", "secret_key", "PORT"])
def test_our_own_variables_are_refused(name):
    with pytest.raises(CredentialRefused, match="own variables"):
        credentials.resolve(f"env:{name}", {name: "x", "SECRET_KEY": "x"})


@pytest.mark.parametrize("name", ["", "A B", "A=B", "1A", "A\n", "é", "A" * 300])
def test_what_is_no_variables_name_is_refused(name):
    with pytest.raises(CredentialRefused, match="not the name"):
        credentials.resolve(f"env:{name}", {name: "x"})


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/self/environ",
        "{secrets}/../outside",
        "{secrets}/sub/../../outside",
        "{secrets}/link-out",
        "{secrets}",
        "{secrets}x/key",
        "key",
        "../key",
        "",
        "~/key",
        "/run/secrets",
        "{secrets}/key\0",
    ],
)
def test_files_elsewhere_are_refused_however_spelled(secrets, environ, path):
    (secrets.parent / "outside").write_text(KEY)
    (secrets.parent / "secretsx").mkdir()
    (secrets.parent / "secretsx" / "key").write_text(KEY)
    (secrets / "sub").mkdir()
    (secrets / "link-out").symlink_to(secrets.parent / "outside")

    with pytest.raises(CredentialRefused):
        credentials.resolve("file:" + path.format(secrets=secrets), environ)


def test_without_a_folder_no_file_is_read(secrets):
    with pytest.raises(CredentialRefused):
        credentials.resolve(f"file:{secrets}/key", {"SECRETS_DIR": ""})
    with pytest.raises(CredentialRefused):
        credentials.resolve(f"file:{secrets}/key", {"SECRETS_DIR": "."})


def test_only_regular_files_of_up_to_8_kib_are_read(secrets, environ):
    (secrets / "large").write_text("x" * 8193)
    (secrets / "edge").write_text("x" * 8192)
    (secrets / "folder").mkdir()

    assert len(credentials.resolve(f"file:{secrets}/edge", environ)) == 8192
    for name in ("large", "folder"):
        with pytest.raises(CredentialMissing, match=name):
            credentials.resolve(f"file:{secrets}/{name}", environ)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_make_a_request_wait(secrets, environ):
    os.mkfifo(secrets / "pipe")

    with pytest.raises(CredentialMissing, match="no regular file"):
        credentials.resolve(f"file:{secrets}/pipe", environ)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"a\nb", b"a\x00b"])
def test_what_is_no_key_is_not_used(secrets, environ, content):
    (secrets / "odd").write_bytes(content)

    with pytest.raises(CredentialMissing, match="odd"):
        credentials.resolve(f"file:{secrets}/odd", environ)


@pytest.mark.parametrize("reference", ["env:NOT_SET", "env:EMPTY", "file:{}/missing"])
def test_an_unresolved_reference_is_a_502_that_names_it(secrets, environ, reference):
    reference = reference.format(secrets)

    with pytest.raises(UpstreamError) as caught:
        credentials.resolve(reference, environ)

    assert caught.value.status == 502
    assert not caught.value.retryable
    assert reference in caught.value.message
    assert credentials.reference_problem(reference, environ) == caught.value.message


def test_a_found_reference_has_no_problem(environ):
    assert credentials.reference_problem("env:OPENROUTER_KEY", environ) == ""


def test_a_reference_that_is_not_there_yet_may_be_saved(environ):
    assert credentials.refusal("env:NOT_SET", environ) == ""
    assert credentials.refusal("env:OPENROUTER_KEY", environ) == ""
    assert credentials.refusal("env:SECRET_KEY", environ)
    assert credentials.refusal("file:/etc/passwd", environ)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("short", "…"),
        ("elevenchars", "…"),
        ("twelve-chars", "…hars"),
        (KEY, "…0001"),
        ("env:OPENROUTER_KEY", "env:OPENROUTER_KEY"),
    ],
)
def test_a_mask_shows_no_more_than_the_end(value, shown):
    assert credentials.mask(value) == shown
