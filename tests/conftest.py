"""What holds for the whole suite."""

from __future__ import annotations

import os
from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, settings

# This file starts pytest itself, for those who begin with unittest.
collect_ignore = ["test_unittest_entry.py"]

# Two cores shared with browsers and servers: an example may take its time.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("brief", settings.get_profile("suite"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Captured output may hold lone surrogates, which no other process can be sent."""
    outcome: Any = yield
    report = outcome.get_result()
    report.sections = [
        (title, text.encode("utf-8", "replace").decode())
        for title, text in report.sections
    ]
