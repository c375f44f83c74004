"""A fresh site for each test, and who uses it."""

from __future__ import annotations

import pytest

from tests.support import Browser, Script, Site


@pytest.fixture
def site(tmp_path):
    with_services = Site(tmp_path)
    yield with_services
    with_services.close()


@pytest.fixture
def admin(site) -> Browser:
    return site.admin()


@pytest.fixture
def member(site) -> Browser:
    return site.member()


@pytest.fixture
def script(site) -> Script:
    return site.script()
