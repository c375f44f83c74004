#!/usr/bin/env python3
"""Plays `aws` and `docker`: remembers what was created, answers as they would."""

import json
import os
import sys
from pathlib import Path

# noun of a `describe-`/`get-` call -> what its creation is called
CREATED_BY = {
    "describe-repositories": "create-repository",
    "describe-log-groups": "create-log-group",
    "get-role": "create-role",
    "describe-secret": "create-secret",
    "describe-security-groups": "create-security-group",
    "describe-file-systems": "create-file-system",
    "describe-mount-targets": "create-mount-target",
    "describe-access-points": "create-access-point",
    "describe-load-balancers": "create-load-balancer",
    "describe-target-groups": "create-target-group",
    "describe-listeners": "create-listener",
    "describe-services": "create-service",
}
# Calls that fail instead of answering nothing where the thing is not there.
FAIL_IF_MISSING = {
    "describe-repositories",
    "get-role",
    "describe-secret",
    "describe-load-balancers",
    "describe-target-groups",
}
ANSWERS = {
    "get-caller-identity": "123456789012",
    "describe-vpcs": "vpc-1",
    "describe-subnets": "subnet-1\tsubnet-2",
    "get-random-password": "a-generated-password-of-24",
    "get-login-password": "registry-password",
    "register-task-definition": "arn:task:1",
}


def key_of(args):
    """What tells two things of one kind apart: their name, or where they are."""
    for option in ("--group-name", "--subnet-id"):
        if option in args:
            return args[args.index(option) + 1]
    for arg in args:
        if arg.startswith("Name=group-name,Values="):
            return arg.rpartition("=")[2]
        if "SubnetId=='" in arg:
            return arg.split("'")[1]
    return ""


def answer(state, tool, args):
    """Exit status and text of one call; 254 is how aws says that it refused."""
    if tool == "docker":
        if "login" in args:
            sys.stdin.read()
        return 0, ""
    words = [arg for arg in args if not arg.startswith("--")]
    verb = [word for word in words if word not in ("us-east-1", "text")][1]
    made = state / "made"
    made.mkdir(exist_ok=True)
    if verb in CREATED_BY:
        found = made / f"{CREATED_BY[verb]}-{key_of(args)}"
        return look_up(verb, found, " ".join(args))
    if verb.startswith("create-") and verb != "create-cluster":
        identity = f"sg-{verb}-{key_of(args)}"
        (made / f"{verb}-{key_of(args)}").write_text(identity)
        return 0, identity
    if verb == "authorize-security-group-ingress":
        rule = made / ("rule" + "_".join(args).replace("/", "-"))
        if rule.exists():
            return 254, "InvalidPermission.Duplicate"
        rule.write_text("")
    return 0, ANSWERS.get(verb, "done")


def look_up(verb, found, call):
    if not found.exists():
        return (254, "NotFound") if verb in FAIL_IF_MISSING else (0, "None")
    if "LifeCycleState" in call:
        return 0, "available"
    return 0, "ACTIVE" if verb == "describe-services" else found.read_text()


def main():
    state = Path(os.environ["STUB_STATE"])
    tool, args = Path(sys.argv[0]).name, sys.argv[1:]
    with (state / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps([tool, *args]) + "\n")
    status, text = answer(state, tool, args)
    (sys.stderr if status else sys.stdout).write(text + "\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
