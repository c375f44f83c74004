"""aiproxy.pyz on every Python that is here, in places that give it little."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import zipapp_build
from tests.deploy import debian
from tests.deploy.first_visit import shut_off, visit
from tests.real_server import RealServer

PYTHONS = [f"py3{minor}" for minor in zipapp_build.MINORS]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its own mounts")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("dist") / "aiproxy.pyz"
    try:
        zipapp_build.build(output)
    except subprocess.CalledProcessError:
        assert not os.environ.get("CI"), "the pinned packages cannot be had"
        pytest.skip("no network, and build/wheels does not hold the packages")
    return output


@pytest.fixture(scope="module")
def pythons() -> dict[str, str]:
    return zipapp_build.find_pythons()


def program(python: str, archive: Path) -> tuple[str, ...]:
    """Without the checkout, installed packages and so pip."""
    return (python, "-I", "-S", str(archive))


def empty_folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.parametrize("name", PYTHONS)
def test_it_serves_on_every_python(
    archive: Path, pythons: dict[str, str], tmp_path: Path, name: str
) -> None:
    if name not in pythons:
        pytest.skip(f"no CPython 3.{name[3:]} here")
    with zipfile.ZipFile(archive) as file:
        assert f"{name}/code" in file.namelist()
    run = program(pythons[name], archive)
    home, scratch, work = (empty_folder(tmp_path, n) for n in ("home", "tmp", "work"))

    scheme = shut_off(
        run,
        work,
        mounts={home: "ro,mode=0700", scratch: "noexec,mode=0700"},
        environ={"HOME": str(home), "TMPDIR": str(scratch), "PYTHONPATH": ""},
    )

    assert scheme == "scrypt"
    assert {path.name for path in work.iterdir()} == {"app.db", "app.db.lock", "logs"}
    with RealServer(empty_folder(tmp_path, "usual"), program=run) as server:
        assert visit(server) == "bcrypt-sha256"


def test_a_cache_from_which_nothing_may_run_is_done_without(
    archive: Path, tmp_path: Path
) -> None:
    cache, work = empty_folder(tmp_path, "cache"), empty_folder(tmp_path, "work")

    scheme = shut_off(
        program(sys.executable, archive),
        work,
        mounts={cache: "noexec,mode=0700"},
        environ={"XDG_CACHE_HOME": str(cache), "TMPDIR": str(cache)},
    )

    assert scheme == "scrypt"


@pytest.mark.timeout(600)  # the first time its packages are fetched
@pytest.mark.parametrize(
    ("suite", "arch"), [("trixie", "amd64"), ("bookworm", "arm64")]
)
def test_it_serves_in_a_debian_of_its_own(archive: Path, suite: str, arch: str) -> None:
    root = debian.system(suite, arch)
    with debian.folder_in(root) as folder:
        run = debian.inside(root, arch, "/usr/bin/python3")
        assert visit_inside(root, folder, run, archive) == "bcrypt-sha256"


def test_it_serves_on_musl(archive: Path) -> None:
    made = debian.cache() / "musl-python"
    if not made.is_dir():
        pytest.skip("no Python on musl here: make musl")
    # Debian's newer musl runs it: the older one's loader cannot load bcrypt's library.
    root = debian.system("trixie", "amd64")
    with debian.folder_in(root) as folder:
        shutil.copytree(made, folder / "python")
        python = f"/{folder.relative_to(root)}/python/bin/python3"
        run = debian.inside(root, "amd64", python)
        assert visit_inside(root, folder, run, archive) == "bcrypt-sha256"


def visit_inside(
    root: Path, folder: Path, python: tuple[str, ...], archive: Path
) -> str:
    """What passwords are hashed with there."""
    shutil.copy(archive, folder)
    place = f"/{folder.relative_to(root)}"
    environ = {
        "HOME": place,
        "DATABASE_PATH": f"{place}/app.db",
        "LOG_DIR": f"{place}/logs",
        "PYTHONPATH": "",
    }
    run = (*python, "-I", "-S", f"{place}/{archive.name}")
    with RealServer(folder, program=run, environ=environ) as server:
        return visit(server)
