"""What holds for the whole suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# This file starts pytest itself, for those who begin with unittest.
collect_ignore = ["test_unittest_entry.py"]

# Two cores shared with browsers and servers: an example may take its time.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
