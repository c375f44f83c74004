"""bcrypt out of the archive: unpacked once, safely, or done without."""

import io
import os
import platform
import shutil
import subprocess
import sys
import textwrap
import zipapp
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import pytest

import aiproxy
from aiproxy.security import native

posix = pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
MACHINE = platform.machine().lower()


def wheel_of(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


WHEEL = wheel_of(
    {
        "bcrypt/__init__.py": "NAME = 'unpacked'\n",
        "bcrypt/py.typed": "",
        "bcrypt-5.0.0.dist-info/METADATA": "Name: bcrypt",
        "other/__init__.py": "",
    }
)


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "cache")


def files_below(folder):
    return {
        str(path.relative_to(folder))
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def test_a_wheels_package_is_unpacked_and_nothing_else(root):
    folder = native.unpack(WHEEL, root)

    assert files_below(folder) == {"bcrypt/__init__.py", "bcrypt/py.typed"}
    assert os.listdir(os.path.join(root, "aiproxy")) == [os.path.basename(folder)]


def test_the_libraries_that_a_package_brings_are_unpacked_beside_it(root):
    needed = "bcrypt.libs/libgcc_s-0cd532bd.so.1"
    wheel = wheel_of({"bcrypt/__init__.py": "", needed: "machine code"})

    folder = native.unpack(wheel, root)
    Path(folder, needed).unlink()

    assert native.unpack(wheel, root) == folder
    assert Path(folder, needed).read_text() == "machine code"
    assert Path(folder, "bcrypt.libs").stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_second_start_uses_what_is_there(root):
    first = native.unpack(WHEEL, root)
    before = os.stat(os.path.join(first, "bcrypt", "__init__.py")).st_ino

    assert native.unpack(WHEEL, root) == first
    assert os.stat(os.path.join(first, "bcrypt", "__init__.py")).st_ino == before


def test_another_wheel_gets_a_folder_of_its_own(root):
    other = wheel_of({"bcrypt/__init__.py": "NAME = 'other'\n"})

    assert native.unpack(WHEEL, root) != native.unpack(other, root)


@posix
def test_what_is_unpacked_is_private(root):
    before = os.umask(0)
    try:
        folder = native.unpack(WHEEL, root)
    finally:
        os.umask(before)

    for path in [Path(root), *Path(root).rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert folder


@pytest.mark.parametrize("damage", ["missing", "changed", "cut"])
def test_a_damaged_cache_is_unpacked_anew(root, damage):
    folder = native.unpack(WHEEL, root)
    module = Path(folder, "bcrypt", "__init__.py")
    if damage == "missing":
        module.unlink()
    else:
        module.write_text("NAME = 'replaced'\n" if damage == "changed" else "")

    assert native.unpack(WHEEL, root) == folder
    assert module.read_text() == "NAME = 'unpacked'\n"


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_cache_that_others_can_write_to_is_not_used(root, mode):
    base = os.path.join(root, "aiproxy")
    os.makedirs(base)
    os.chmod(base, mode)

    assert native.unpack(WHEEL, root) is None
    assert os.listdir(base) == []


@posix
def test_a_cache_whose_parent_others_can_write_to_is_not_used(root):
    os.makedirs(root)
    os.chmod(root, 0o777)  # noqa: S103 - what must be noticed

    assert native.unpack(WHEEL, root) is None

    # With the sticky bit, as in /tmp, they cannot replace ours.
    os.chmod(root, 0o1777)  # noqa: S103
    assert native.unpack(WHEEL, root)


@posix
def test_a_linked_cache_is_not_used(root, tmp_path):
    os.makedirs(root)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    os.symlink(tmp_path / "elsewhere", os.path.join(root, "aiproxy"))

    assert native.unpack(WHEEL, root) is None
    assert os.listdir(tmp_path / "elsewhere") == []


@posix
def test_a_linked_package_folder_is_replaced_and_not_followed(root, tmp_path):
    folder = native.unpack(WHEEL, root)
    shutil.move(folder, tmp_path / "moved")
    os.symlink(tmp_path / "moved", folder)

    assert native.unpack(WHEEL, root) == folder
    assert not os.path.islink(folder)


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="needs chown")
def test_anothers_cache_is_not_used(root):
    base = os.path.join(root, "aiproxy")
    os.makedirs(base, mode=0o700)
    os.chown(base, 12345, 12345)

    assert native.unpack(WHEEL, root) is None


def test_a_home_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")

    assert native.unpack(WHEEL, str(tmp_path / "file" / "cache")) is None


@pytest.mark.parametrize(
    "wheel",
    [
        b"",
        b"no zip at all",
        wheel_of({"other/__init__.py": ""}),
        wheel_of({"bcrypt/../../evil.py": "", "/bcrypt/x.py": "", "bcrypt/a/b.py": ""}),
    ],
    # Those that pytest makes would hold the time, and so differ between processes.
    ids=["nothing", "no archive", "another package", "paths out of it"],
)
def test_what_is_no_wheel_of_bcrypts_is_not_unpacked(root, wheel):
    assert native.unpack(wheel, root) is None


def test_a_path_out_of_the_package_is_left_out(root):
    wheel = wheel_of({"bcrypt/__init__.py": "", "bcrypt/../../evil.py": "x"})

    assert files_below(native.unpack(wheel, root)) == {"bcrypt/__init__.py"}
    assert not list(Path(root).rglob("evil.py"))


def test_a_wheel_that_would_fill_the_disk_is_not_unpacked(root, monkeypatch):
    monkeypatch.setattr(native, "MAX_WHEEL_BYTES", 10)

    assert native.unpack(WHEEL, root) is None


def test_eight_starts_at_once_all_find_a_complete_package(root):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: native.unpack(WHEEL, root), range(8)))

    assert len(set(folders)) == 1
    assert files_below(folders[0]) == {"bcrypt/__init__.py", "bcrypt/py.typed"}
    assert os.listdir(os.path.join(root, "aiproxy")) == [os.path.basename(folders[0])]


def on(monkeypatch, system, machine, version=(3, 11), libc="glibc"):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))


WHEELS = [
    f"wheels/bcrypt-5.0.0-{name}.whl"
    for name in (
        "cp313-cp313t-manylinux_2_34_x86_64",
        "cp38-abi3-macosx_10_12_universal2",
        "cp38-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64",
        "cp38-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64",
        "cp38-abi3-musllinux_1_1_aarch64",
        "cp38-abi3-musllinux_1_2_x86_64",
        "cp38-abi3-win32",
        "cp38-abi3-win_amd64",
        "cp39-abi3-manylinux_2_34_x86_64",
    )
]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            ("linux", "x86_64"),
            ["cp39-abi3-manylinux_2_34_x86_64", "cp38-abi3-manylinux2014"],
        ),
        (("linux", "x86_64", (3, 8)), ["cp38-abi3-manylinux2014_x86_64"]),
        (("linux", "aarch64"), ["cp38-abi3-manylinux2014_aarch64"]),
        (("linux", "x86_64", (3, 8), ""), ["cp38-abi3-musllinux_1_2_x86_64"]),
        (("linux", "armv7l"), []),
        (("darwin", "arm64"), ["cp38-abi3-macosx_10_12_universal2"]),
        (("darwin", "x86_64"), ["cp38-abi3-macosx_10_12_universal2"]),
        (("win32", "AMD64"), ["cp38-abi3-win_amd64"]),
        (("win32", "ARM64"), []),
        (("freebsd13", "amd64"), []),
    ],
)
def test_each_machine_gets_the_wheels_that_fit_it(monkeypatch, where, expected):
    on(monkeypatch, *where)

    found = native.candidates([*WHEELS, "wheels/README", "bcrypt-5.0.0-x.whl"])

    assert len(found) == len(expected)
    assert all(part in name for part, name in zip(expected, found))


def test_an_installed_bcrypt_is_used():
    assert native.load_bcrypt() is bcrypt


SHOW = textwrap.dedent(
    """
    from aiproxy.security import native
    from aiproxy.security.passwords import Passwords
    module = native.load_bcrypt()
    print(getattr(module, "__file__", None))
    print(Passwords(4, min_cost=4).hash("several words")[:13])
    """
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A .pyz with our package and, as its wheel, the bcrypt that is installed here."""
    folder = tmp_path_factory.mktemp("archive")
    source = Path(aiproxy.__file__).parent
    shutil.copytree(
        source, folder / "app" / "aiproxy", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "app" / "__main__.py").write_text(SHOW)
    (folder / "app" / "wheels").mkdir()
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    name = f"bcrypt-5.0.0-cp38-abi3-{libc}_2_17_{MACHINE}.whl"
    installed = Path(bcrypt.__file__).parent
    with zipfile.ZipFile(folder / "app" / "wheels" / name, "w") as wheel:
        for path in installed.iterdir():
            if path.is_file():
                wheel.write(path, f"bcrypt/{path.name}")
    zipapp.create_archive(folder / "app", folder / "app.pyz")
    return folder / "app.pyz"


def run(archive, cache):
    # -S: without the site packages, where an installed bcrypt would be.
    done = subprocess.run(
        [sys.executable, "-S", str(archive)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the wheel is named for Linux"
)


@pytest.mark.parametrize("last_words", ["", "import os; os.abort()"])
def test_on_musl_a_library_that_crashes_is_done_without(root, monkeypatch, last_words):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    for name in [name for name in sys.modules if name.startswith("bcrypt")]:
        monkeypatch.delitem(sys.modules, name)
    wheel = wheel_of({"bcrypt/__init__.py": f"{last_words}\nNAME = 'unpacked'\n"})

    module = native.import_from(native.unpack(wheel, root))

    assert (module is None) == bool(last_words)


@linux
def test_out_of_the_archive_bcrypt_is_loaded_from_the_cache(archive, tmp_path):
    place, scheme, *_ = run(archive, tmp_path / "cache")

    assert place.startswith(str(tmp_path / "cache" / "aiproxy" / "bcrypt-"))
    assert scheme == "bcrypt-sha256"


@linux
def test_without_a_cache_the_archive_does_without_bcrypt(archive, tmp_path):
    (tmp_path / "file").write_text("")

    place, scheme, *_ = run(archive, tmp_path / "file")

    assert place == "None"
    assert scheme == "scrypt$32768$"
