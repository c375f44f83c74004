"""A real Chromium before a real server, for each test a site of its own."""

from __future__ import annotations

import os
from typing import Any, Callable

import pytest

playwright_api = pytest.importorskip("playwright.sync_api")

from tests.browser.served import CHROMIUM, Served, Window, launch  # noqa: E402
from tests.patience import SECONDS  # noqa: E402
from tests.support import Site  # noqa: E402

playwright_api.expect.set_options(timeout=SECONDS * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        # In CI a check that did not run is no check.
        if os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("no Chromium is installed")
        pytest.skip("no Chromium is installed")
    with playwright_api.sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def served(tmp_path):
    site = Site(tmp_path)
    running = Served(site)
    yield running
    running.close()
    site.close()


@pytest.fixture
def open_window(chromium, served):
    """Makes windows; at the end each must have been quiet."""
    windows: list[Window] = []

    def make(**options: Any) -> Window:
        windows.append(Window(chromium, served, **options))
        return windows[-1]

    yield make
    for window in windows:
        window.close()
    for window in windows:
        window.assert_quiet()


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    return open_window()


@pytest.fixture
def page(window):
    """The admin's page."""
    return window.log_in()
