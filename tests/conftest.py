"""What holds for the whole suite."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, settings

# This file starts pytest itself, for those who begin with unittest.
collect_ignore = ["test_unittest_entry.py"]

# Two cores shared with browsers and servers: an example may take its time.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Captured output may hold lone surrogates, which no other process can be sent."""
    outcome: Any = yield
    report = outcome.get_result()
    report.sections = [
        (title, text.encode("utf-8", "replace").decode())
        for title, text in report.sections
    ]
