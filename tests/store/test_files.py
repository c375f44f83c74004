"""Files and folders that nobody else on the machine can read."""

import os
import stat

import pytest

from aiproxy.store import files

posix = pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def lax_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@posix
def test_a_new_file_is_private_whatever_the_umask(tmp_path, lax_umask):
    files.make_file(str(tmp_path / "f"))

    assert mode(tmp_path / "f") == 0o600


@posix
def test_a_readable_file_is_made_private_and_kept(tmp_path):
    path = tmp_path / "f"
    path.write_text("content")
    path.chmod(0o644)

    files.make_file(str(path))

    assert mode(path) == 0o600
    assert path.read_text() == "content"


@posix
def test_new_folders_are_private_and_existing_ones_left_alone(tmp_path, lax_umask):
    tmp_path.chmod(0o755)

    files.make_folder(str(tmp_path / "a" / "b"))

    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path) == 0o755


@posix
def test_a_written_file_is_private_and_whole(tmp_path, lax_umask):
    files.write(str(tmp_path / "f"), b"content")

    assert mode(tmp_path / "f") == 0o600
    assert (tmp_path / "f").read_bytes() == b"content"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(str(path), b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


@posix
def test_a_link_is_not_followed_when_modes_are_mended(tmp_path):
    target = tmp_path / "target"
    target.write_text("x")
    target.chmod(0o644)
    (tmp_path / "link").symlink_to(target)

    files.make_private(str(tmp_path / "link"))

    assert mode(target) == 0o644
