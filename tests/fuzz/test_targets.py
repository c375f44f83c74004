"""A short, repeatable run of each target, and everything that longer runs found."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS

# (target, input): what a fuzzer found once and must never find again.
FINDS: list[tuple[str, bytes]] = []


@pytest.mark.parametrize("name", TARGETS)
def test_random_input_breaks_no_promise(name):
    generator = random.Random(name)
    for _ in range(150):
        size = generator.choice((5, 50, 500))
        TARGETS[name](bytes(generator.randrange(256) for _ in range(size)))


@pytest.mark.parametrize(("name", "data"), FINDS)
def test_what_was_found_stays_mended(name, data):
    TARGETS[name](data)
