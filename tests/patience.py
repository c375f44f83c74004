"""How tests wait: for what must come true, with a limit that no busy machine reaches.

Any thread may be held up for seconds at any place. So no test sleeps to keep two
things apart, and a limit that a test shortens begins to run only once all that must
be in time for it has happened.
"""

from __future__ import annotations

import time
from typing import Callable

SECONDS = 30.0  # for what should take milliseconds


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Returns as soon as it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.005)
