"""Limits fit what the system allows."""

from __future__ import annotations

import pytest

from aiproxy.serving.limits import Limits, raise_open_files


def test_with_enough_files_the_limits_are_as_written():
    fitted = Limits().fitted_to(16384)

    assert (fitted.connections, fitted.streams) == (4096, 1024)


def test_a_client_hears_of_silence_before_it_gives_up():
    limits = Limits()

    assert (limits.ping_seconds, limits.finished_silence_seconds) == (15.0, 10.0)


@pytest.mark.parametrize("files", [64, 256, 1024, 4096])
def test_connections_and_streams_never_need_more_files_than_there_are(files):
    fitted = Limits().fitted_to(files)

    assert fitted.streams >= 1
    assert fitted.connections >= 2
    assert fitted.connections + fitted.streams <= max(files, 16)


def test_the_limit_on_open_files_is_only_ever_raised():
    resource = pytest.importorskip("resource")
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    after = raise_open_files(before)

    assert after == before
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before, hard)
