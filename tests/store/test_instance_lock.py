"""Two servers on one database: the second one says whose it is, and stops."""

import os
import subprocess
import sys
import textwrap

import pytest

from aiproxy.errors import ConfigError
from aiproxy.store.instance_lock import InstanceLock

HOLDER = textwrap.dedent(
    """
    import sys
    from aiproxy.store.instance_lock import InstanceLock
    InstanceLock(sys.argv[1]).acquire()
    print("held", flush=True)
    sys.stdin.read()
    """
)


def test_a_second_instance_is_told_the_pid_of_the_first(path):
    first = InstanceLock(path)
    first.acquire()

    with pytest.raises(ConfigError, match=f"in use.*pid {os.getpid()}"):
        InstanceLock(path).acquire()
    first.release()


def test_a_released_lock_can_be_taken(path):
    first = InstanceLock(path)
    first.acquire()
    first.release()
    first.release()

    second = InstanceLock(path)
    second.acquire()
    second.release()


def test_a_killed_process_leaves_no_lock_behind(path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline().strip() == b"held"
    with pytest.raises(ConfigError, match=f"pid {holder.pid}"):
        InstanceLock(path).acquire()

    holder.kill()
    holder.communicate()

    lock = InstanceLock(path)
    lock.acquire()
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_the_lock_file_is_private(path):
    before = os.umask(0)
    lock = InstanceLock(path)
    try:
        lock.acquire()
    finally:
        os.umask(before)

    assert os.stat(path + ".lock").st_mode & 0o777 == 0o600
    lock.release()
