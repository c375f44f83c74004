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


@pytest.fixture
def fresh_site(tmp_path):
    """As after the first start: the admin's password is still the default one."""
    with_services = Site(tmp_path, must_change_password=True)
    yield with_services
    with_services.close()
