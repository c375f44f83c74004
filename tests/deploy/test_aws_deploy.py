"""The AWS script against a stub that remembers what was created."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "aws_deploy.sh"
STUB = Path(__file__).with_name("aws_stub.py")
KNOWN = {
    "CERTIFICATE_ARN": "arn:aws:acm:us-east-1:1:certificate/2",
    "PUBLIC_URL": "https://ai.example.com",
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell is needed")


@pytest.fixture
def deploy(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("aws", "docker"):
        tool = tools / name
        # The stub tells by its own name which tool it plays.
        tool.write_text(
            f"#!{sys.executable}\nimport runpy, sys\nsys.argv[0] = {str(tool)!r}\n"
            f"runpy.run_path({str(STUB)!r}, run_name='__main__')\n"
        )
        tool.chmod(0o755)

    def run(*args, path=f"{tools}:/usr/bin:/bin", **settings):
        calls = tmp_path / "calls.jsonl"
        if calls.exists():
            calls.unlink()
        done = subprocess.run(
            ["/bin/sh", str(SCRIPT), *args],
            env={"PATH": path, "STUB_STATE": str(tmp_path), **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        made = (
            [json.loads(line) for line in calls.read_text().splitlines()]
            if (calls.exists())
            else []
        )
        return done, made

    return run


def verbs(calls):
    return [
        word
        for call in calls
        for word in call
        if word.startswith(("create-", "update-", "register-", "put-", "authorize-"))
    ]


def test_a_dry_run_needs_neither_aws_nor_docker_and_runs_nothing(deploy):
    done, calls = deploy("--dry-run", path="/usr/bin:/bin")

    assert done.returncode == 0, done.stderr
    assert calls == []
    printed = done.stdout.splitlines()
    for verb in ("create-repository", "create-file-system", "create-service"):
        assert any(verb in line for line in printed)
    assert any(line.startswith("docker build") for line in printed)


def test_the_first_run_makes_everything_once(deploy):
    done, calls = deploy(**KNOWN)

    assert done.returncode == 0, done.stderr
    made = verbs(calls)
    assert made.count("create-security-group") == 3
    assert made.count("create-mount-target") == 2
    assert made.count("create-service") == 1
    assert "update-service" not in made


def test_a_second_run_keeps_what_is_there_and_renews_the_service(deploy):
    deploy(**KNOWN)
    done, calls = deploy(**KNOWN)

    assert done.returncode == 0, done.stderr
    created = [verb for verb in verbs(calls) if verb.startswith("create-")]
    assert created == ["create-cluster"]  # which AWS itself takes twice
    assert "update-service" in verbs(calls)


def test_the_password_is_neither_printed_nor_given_as_plain_environment(deploy):
    done, calls = deploy(**KNOWN)

    assert "a-generated-password-of-24" not in done.stdout + done.stderr
    task = next(call for call in calls if "register-task-definition" in call)
    definition = json.loads(task[task.index("--cli-input-json") + 1])
    container = definition["containerDefinitions"][0]
    assert [secret["name"] for secret in container["secrets"]] == ["ADMIN_PASSWORD"]
    assert "ADMIN_PASSWORD" not in [item["name"] for item in container["environment"]]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "CERTIFICATE_ARN"),
        ({"CERTIFICATE_ARN": "arn:x"}, "PUBLIC_URL"),
        ({**KNOWN, "PUBLIC_URL": "http://ai.example.com"}, "https://"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_made(deploy, settings, complaint):
    done, calls = deploy(**settings)

    assert done.returncode == 1
    assert complaint in done.stderr
    assert calls == []


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_finds_nothing():
    done = subprocess.run(
        [shutil.which("shellcheck"), str(SCRIPT)], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stdout.decode()
