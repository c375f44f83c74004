"""Files for machines that cannot run here, each judged by its own tool."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aiproxy.metrics import Metrics
from aiproxy.web.admin import metrics_text
from tests.entries import log_entry
from tests.validators import powershell

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BESIDE_PYTHON = Path(sys.executable).parent


def tool(name: str) -> str:
    """A linter's path; without it the test is skipped, on CI's main Python it fails."""
    found = shutil.which(name, path=f"{BESIDE_PYTHON}:{os.environ['PATH']}")
    if found is None:
        if os.environ.get("CI") == "true" and (BESIDE_PYTHON / "mypy").exists():
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_dockerfile_follows_the_rules():
    assert run(tool("hadolint"), "--no-color", "Dockerfile") == ""


def test_the_image_runs_as_nobody_and_keeps_its_data_in_one_volume():
    text = (ROOT / "Dockerfile").read_text()

    assert "\nUSER 10001" in text
    assert text.count("\nVOLUME") == 1
    assert 'ENTRYPOINT ["aiproxy"]' in text  # exec form: SIGTERM reaches Python
    assert "curl" not in text


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "docker-compose.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug_report.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/feature_request.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_a_file_fits_its_schema(schema, file):
    run(tool("check-jsonschema"), "--builtin-schema", schema, file)


def test_the_unit_is_accepted_and_hardened(tmp_path):
    analyze = tool("systemd-analyze")
    unit = tmp_path / "aiproxy.service"
    text = (DEPLOY / "aiproxy.service").read_text()
    # The program and its user are not on this machine.
    text = text.replace("/usr/bin/python3", sys.executable)
    unit.write_text(text.replace("User=aiproxy", "User=root"))
    done = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if "aiproxy" in line]

    assert [line for line in about_it if "man " not in line] == []
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"):
        assert line in text


def test_the_launchd_job_is_a_property_list_with_its_program():
    with (DEPLOY / "com.aiproxy.server.plist").open("rb") as file:
        job = plistlib.load(file)

    assert job["ProgramArguments"][-1] == "serve"
    assert job["Umask"] == 0o077
    assert job["ExitTimeOut"] > 30  # more than shutdown_grace


def test_railway_and_heroku_listen_where_they_are_told():
    railway = json.loads((ROOT / "railway.json").read_text())
    procfile = (ROOT / "Procfile").read_text()

    assert railway["deploy"]["healthcheckPath"] == "/health"
    assert procfile.startswith("web: SERVER_HOST=0.0.0.0 ")


def test_an_alert_watches_a_metric_that_exists():
    metrics = Metrics()
    metrics.record(log_entry())
    known = set(re.findall(r"aiproxy_[a-z_]+", metrics.render({})))
    shown = Path(metrics_text.__file__).read_text()
    known |= set(re.findall(r'"(aiproxy_[a-z_]+)"', shown))
    rules = (DEPLOY / "prometheus-rules.yml").read_text()
    used = set(re.findall(r"\b(aiproxy_[a-z_]+)\b", rules))

    assert used
    assert used <= known


def test_start_ps1_is_powershell():
    text = (ROOT / "start.ps1").read_text()

    assert powershell.faults(text) == []
    assert powershell.faults(text.replace("{", "", 1)) != []


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell is needed")
@pytest.mark.parametrize(
    "script", ["install.sh", "start.sh", "test.sh", ".ci/run", "tests/deploy/musl.sh"]
)
def test_shellcheck_finds_nothing_in_our_scripts(script):
    run(tool("shellcheck"), script)
