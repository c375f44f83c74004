"""The one-file build: reproducible, complete, small, and it runs by itself."""

from __future__ import annotations

import json
import marshal
import os
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Iterator

import pytest

import zipapp_build
from tests.real_server import RealServer

pytestmark = pytest.mark.once

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


@pytest.fixture(scope="module")
def wheels() -> list[zipapp_build.Wheel]:
    pins = zipapp_build.read_pins(
        zipapp_build.ROOT / "requirements.txt",
        zipapp_build.ROOT / "requirements-3.8.txt",
    )
    try:
        return zipapp_build.download(pins)
    except subprocess.CalledProcessError:
        assert not os.environ.get("CI"), "the pinned packages cannot be had"
        pytest.skip("no network, and build/wheels does not hold the packages")


@pytest.fixture(scope="module")
def archive(
    wheels: list[zipapp_build.Wheel], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    output = tmp_path_factory.mktemp("dist") / "aiproxy.pyz"
    zipapp_build.build(output)
    return output


def test_every_package_is_pinned_by_hash() -> None:
    pins = zipapp_build.read_pins(zipapp_build.ROOT / "requirements.txt")

    assert {pin.name for pin in pins} == {"bcrypt", "bottle", "waitress"}
    assert all(pin.hashes for pin in pins)


def test_a_file_with_another_hash_is_refused(
    wheels: list[zipapp_build.Wheel], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bottle = next(wheel for wheel in wheels if wheel.pin.name == "bottle")
    (tmp_path / bottle.path.name).write_bytes(bottle.path.read_bytes() + b" ")
    monkeypatch.setattr(zipapp_build, "DOWNLOADS", tmp_path)

    with pytest.raises(SystemExit, match="hash"):
        zipapp_build.download([bottle.pin])


def test_the_same_sources_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"

    zipapp_build.build(again)

    assert again.read_bytes() == archive.read_bytes()


def test_the_check_finds_nothing_amiss(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zipapp_build.check(archive) == 0
    listed = capsys.readouterr().out

    this = "{}.{}".format(*sys.version_info[:2])
    for name in ("aiproxy", "bcrypt", "bottle", "waitress", "SHA-256", this):
        assert name in listed


@pytest.mark.parametrize("content", [None, b"", b"PK not an archive"])
def test_the_check_of_something_else_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    file = tmp_path / "other.pyz"
    if content is not None:
        file.write_bytes(content)

    assert zipapp_build.main(["--check", str(file)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_check_tells_of_a_missing_licence(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poorer = tmp_path / "poorer.pyz"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(poorer, "w") as target:
        for name in source.namelist():
            if name != "licenses/bottle.txt":
                target.writestr(name, source.read(name))

    assert zipapp_build.check(poorer) == 1
    assert "bottle" in capsys.readouterr().err


def test_the_bill_of_materials_names_every_wheel(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        document = json.loads(file.read(zipapp_build.SBOM))
        wheels = {n.split("/")[1] for n in file.namelist() if n.startswith("wheels/")}

    named = {component["bom-ref"] for component in document["components"]}
    assert document["bomFormat"] == "CycloneDX"
    assert len(wheels) == len(zipapp_build.PLATFORMS)
    assert wheels <= named


def test_code_of_pages_alone_waits_for_the_first_page(archive: Path) -> None:
    folder = f"py{sys.version_info[0]}{sys.version_info[1]}"
    with zipfile.ZipFile(archive) as file:
        entries = [file.read(f"{folder}/{name}") for name in ("code", "pages")]

    first, late = (marshal.loads(e[len(MAGIC_NUMBER) :]) for e in entries)  # noqa: S302
    assert {name for name, code in first.items() if code is None} == set(late)
    assert {"bottle.py", "aiproxy/web/admin/login.py"} < set(late)
    assert all(late.values())


def test_it_serves_from_an_empty_folder_by_itself(
    archive: Path, tmp_path: Path
) -> None:
    # -I: neither the checkout nor installed packages of this user are in its path.
    program = (sys.executable, "-I", "-S", str(archive))
    with RealServer(tmp_path, program=program) as server:
        assert server.request("GET", "/health").json()["status"] == "healthy"
        page = server.request("GET", "/login")
        assert page.status == 200
        assert "</html>" in page.text
        assert server.make_admin_key().startswith("aip_")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is opened anew")
def test_it_runs_on_as_it_was_when_another_takes_its_place(
    archive: Path, tmp_path: Path
) -> None:
    running, upgrade = tmp_path / "aiproxy.pyz", tmp_path / "upgrade.pyz"
    running.write_bytes(archive.read_bytes())
    upgrade.write_bytes(b"another file" + archive.read_bytes()[:1000])

    program = (sys.executable, "-I", "-S", str(running))
    with RealServer(tmp_path, program=program) as server:
        upgrade.replace(running)
        page = server.request("GET", "/login")

    assert page.status == 200
    assert "</html>" in page.text


def test_a_python_whose_code_it_lacks_runs_the_sources(
    archive: Path, tmp_path: Path
) -> None:
    without = tmp_path / "without.pyz"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(without, "w") as target:
        for name in source.namelist():
            if not name.endswith("/code"):
                target.writestr(name, source.read(name))

    program = (sys.executable, "-I", "-S", str(without))
    with RealServer(tmp_path, program=program) as server:
        assert server.request("GET", "/health").json()["status"] == "healthy"


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_a_python_that_is_too_old_is_told_so(archive: Path, version: str) -> None:
    python = next(PYENV.glob(f"{version}.*/bin/python"), None)
    if python is None:
        pytest.skip(f"no Python {version} here")
    launchers = [str(archive), str(zipapp_build.ROOT / "aiproxy.py")]

    for launcher in launchers:
        ended = subprocess.run(
            [str(python), launcher], check=False, stderr=subprocess.PIPE
        )
        assert ended.returncode == 1
        assert b"needs Python 3.8 or newer" in ended.stderr
        assert ended.stderr.count(b"\n") == 1


def test_a_module_has_its_source_and_may_be_loaded_again(archive: Path) -> None:
    """Its code is not kept: the sources in the archive give it once more."""
    program = (
        "import importlib, linecache, runpy, sys\n"
        "try:\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit:\n"
        "    module = importlib.reload(sys.modules['aiproxy.cli'])\n"
        "    shown = linecache.getlines(module.__file__, vars(module))\n"
        "    assert 'def main' in ''.join(shown), shown\n"
    )
    start = f"import sys; sys.argv = [{str(archive)!r}, '--version']\n"
    done = subprocess.run(
        (sys.executable, "-c", start + program),
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
