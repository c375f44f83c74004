# Every target is one plain command; the scripts do the same without make.
PYTHON ?= .venv/bin/python

.PHONY: check test build run golden newest-client musl audit install clean

check:
	./test.sh

test:
	$(PYTHON) -m pytest -q -n 2 --dist loadfile

build:
	$(PYTHON) zipapp_build.py

run:
	./start.sh

golden:
	$(PYTHON) -m tests.golden
	$(PYTHON) -m tests.protocol.golden_requests

newest-client:
	sh tests/claude_code/newest.sh

# A Python on musl for the tests of the archive; some minutes, once, as root.
musl:
	sh tests/deploy/musl.sh

# Known holes of what is pinned; needs a network and `pip install pip-audit`.
audit:
	pip-audit --disable-pip --no-deps -r requirements.txt

install:
	./install.sh

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
