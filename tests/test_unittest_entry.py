"""`python -m unittest discover tests` runs the whole suite, through pytest.

Pytest itself leaves this file out (conftest.py): the suite would run itself.
"""

from __future__ import annotations

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class WholeSuite(unittest.TestCase):
    def test_the_suite_passes_and_has_run(self) -> None:
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-n", "2", "--dist", "loadfile"),
            ],
            cwd=ROOT,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        passed = re.search(r"(\d+) passed", finished.stdout)

        assert finished.returncode == 0, finished.stdout[-4000:]
        # A run that found no test has not shown anything.
        assert passed is not None, finished.stdout[-4000:]
        assert int(passed.group(1)) > 0


if __name__ == "__main__":
    unittest.main()
