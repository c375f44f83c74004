"""Build dist/aiproxy.pyz: the whole program in one file that any Python 3.8+ runs.

    python zipapp_build.py                  build it
    python zipapp_build.py --check [FILE]   list what is in it, and verify that

An archive keeps no bytecode of its own, so the code for every CPython found here is
put in (py38/code ... py313/code, and what only pages need in py38/pages ...); the
sources serve all others. zipapp_main.py tells how it is found.
Packages come by pip with the hashes of requirements.txt. Same commit, same Pythons,
same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent
OUTPUT = ROOT / "dist" / "aiproxy.pyz"
DOWNLOADS = ROOT / "build" / "wheels"
MAX_BYTES = 6 * 1024 * 1024
SBOM = "sbom.cdx.json"
SHEBANG = b"#!/usr/bin/env python3\n"
MINORS = range(8, 15)
# Old Linux C libraries run what was built for them; newer ones run it too.
PLATFORMS = (
    "manylinux2014_x86_64",
    "manylinux2014_aarch64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_10_12_universal2",
    "win_amd64",
)
# What is for packagers, and programs of their own.
LEFT_OUT = re.compile(r"\.dist-info/|\.data/|\.typed$|^waitress/(runner|__main__)")
# Not read before the first page: a fifth of the code.
OF_PAGES = re.compile(r"bottle\.py|aiproxy/web/admin/")
LICENSES = {
    "bcrypt": "Apache-2.0",
    "bottle": "MIT",
    "waitress": "ZPL-2.1",
}
# Runs in the Python whose code it makes, with a fixed seed: hashes decide the order
# of the constants in sets. Docstrings are left out, and so are columns (by the
# environment): tracebacks keep file, line and text.
COMPILE = """
import importlib.util, json, marshal, sys
codes = {
    name: None if source is None else
    marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=2))
    for name, source in json.load(sys.stdin)
}
sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER + marshal.dumps(codes))
"""


@dataclass(frozen=True)
class Pin:
    """A line of requirements.txt: one version, and the hashes of its files."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


@dataclass(frozen=True)
class Wheel:
    """A downloaded file whose hash is one of the pinned."""

    pin: Pin
    path: Path
    sha256: str


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build or check dist/aiproxy.pyz.")
    parser.add_argument("--check", action="store_true", help="list and verify instead")
    parser.add_argument("file", nargs="?", type=Path, default=OUTPUT)
    options = parser.parse_args(argv)
    if not options.check:
        try:
            build(options.file)
        except subprocess.CalledProcessError:
            return _fail("the packages cannot be had: the lines above say why")
    return check(options.file)


def _fail(problem: str) -> int:
    print(f"zipapp_build.py: {problem}", file=sys.stderr)
    return 1


# Building


def build(output: Path) -> None:
    """Gather every file, then write the archive in one go."""
    pins = read_pins(ROOT / "requirements.txt", ROOT / "requirements-3.8.txt")
    wheels = download(pins)
    pythons = find_pythons()
    files = collect(wheels, pythons)
    files[SBOM] = sbom(wheels)
    write(output, files)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    summary = output.with_name(output.name + ".sha256")
    summary.write_text(f"{digest}  {output.name}\n", encoding="ascii")


def read_pins(*files: Path) -> list[Pin]:
    """Every pinned package; a later file replaces what an earlier one says."""
    found: dict[tuple[str, str], Pin] = {}
    for file in files:
        text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        for line in text.replace("\\\n", " ").splitlines():
            match = re.match(r"\s*([A-Za-z0-9_-]+)==([0-9.]+)\s*(?:;([^-]*))?", line)
            if match:
                hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
                name, version, marker = match.group(1), match.group(2), match.group(3)
                found[name, version] = Pin(
                    name, version, (marker or "").strip(), hashes
                )
    return list(found.values())


def download(pins: Sequence[Pin]) -> list[Wheel]:
    """The wheels that go in, from build/wheels or by pip; hashes checked each time."""
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    waitress = max((p.version for p in pins if p.name == "waitress"), default="")
    wheels = []
    for pin in pins:
        if pin.name == "waitress" and pin.version != waitress:
            continue  # the archive brings the fixed one to every Python
        platforms = PLATFORMS if pin.name == "bcrypt" else ("any",)
        wheels += [_fetch(pin, platform) for platform in platforms]
    return sorted(wheels, key=lambda wheel: wheel.path.name)


def _fetch(pin: Pin, platform: str) -> Wheel:
    pattern = f"{pin.name}-{pin.version}-*{platform}*.whl"
    if not list(DOWNLOADS.glob(pattern)):
        _pip_download(pin, platform)
    path = next(iter(sorted(DOWNLOADS.glob(pattern))))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 not in pin.hashes:
        raise SystemExit(f"{path.name} has a hash that requirements.txt does not list")
    return Wheel(pin, path, sha256)


def _pip_download(pin: Pin, platform: str) -> None:
    hashes = " ".join(f"--hash=sha256:{value}" for value in sorted(pin.hashes))
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{pin.name}=={pin.version} {hashes}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        command += ["--ignore-requires-python", "--only-binary", ":all:"]
        command += ["--require-hashes", "-r", str(wanted), "-d", str(DOWNLOADS)]
        if platform != "any":
            command += ["--platform", platform, "--implementation", "cp"]
            command += ["--abi", "abi3", "--python-version", "3.8"]
        subprocess.run(command, check=True)


def find_pythons() -> dict[str, str]:
    """Folder name (py38 ...) to a CPython of that version on this machine."""
    found: dict[str, str] = {}
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in MINORS:
        names = [shutil.which(f"python3.{minor}")]
        names += map(
            str, sorted(versions.glob(f"3.{minor}.*/bin/python"), reverse=True)
        )
        if sys.version_info[:2] == (3, minor):
            names.insert(0, sys.executable)
        for name in names:
            if name and _is_cpython(name, minor):
                found[f"py3{minor}"] = name
                break
    return found


def _is_cpython(python: str, minor: int) -> bool:
    code = "import sys; print(sys.implementation.name, sys.version_info[1])"
    try:
        answer = subprocess.run(
            [python, "-c", code], check=False, capture_output=True, text=True
        )
    except OSError:
        return False
    return answer.stdout.split() == ["cpython", str(minor)]


def collect(wheels: Sequence[Wheel], pythons: Mapping[str, str]) -> dict[str, bytes]:
    """Path in the archive to content."""
    own = dict(_own_files())
    shared = [wheel for wheel in wheels if not _is(wheel, "bcrypt")]
    libraries = {path: data for wheel in shared for path, data in _modules(wheel)}
    files = {**own, **libraries, **dict(_licenses(wheels))}
    modules = {k: v.decode() for k, v in sorted(files.items()) if k.endswith(".py")}
    late = {k: v for k, v in modules.items() if OF_PAGES.match(k)}
    for name, python in sorted(pythons.items()):
        files[f"{name}/code"] = _compiled(python, {**modules, **dict.fromkeys(late)})
        files[f"{name}/pages"] = _compiled(python, late)
    files["__main__.py"] = (ROOT / "zipapp_main.py").read_bytes()
    for wheel in wheels:
        if _is(wheel, "bcrypt"):
            files[f"wheels/{wheel.path.name}"] = wheel.path.read_bytes()
    return files


def _is(wheel: Wheel, name: str) -> bool:
    return wheel.pin.name == name


def _own_files() -> Iterator[tuple[str, bytes]]:
    for path in sorted((ROOT / "aiproxy").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for path in sorted((ROOT / "views").rglob("*")):
        if path.is_file():
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()


def _modules(wheel: Wheel) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel.path) as archive:
        for name in archive.namelist():
            if not LEFT_OUT.search(name):
                yield name, archive.read(name)


def _licenses(wheels: Sequence[Wheel]) -> Iterator[tuple[str, bytes]]:
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            for name in archive.namelist():
                if re.search(r"\.dist-info/(licenses/)?LICENSE(\.txt)?$", name):
                    yield f"licenses/{wheel.pin.name}.txt", archive.read(name)


def _compiled(python: str, modules: Mapping[str, str | None]) -> bytes:
    """Path to code, marshalled; None stays None."""
    environ = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONNODEBUGRANGES": "1"}
    return subprocess.run(
        [python, "-s", "-S", "-c", COMPILE],
        check=True,
        input=json.dumps(list(modules.items())).encode(),
        stdout=subprocess.PIPE,
        env=environ,
    ).stdout


def sbom(wheels: Sequence[Wheel]) -> bytes:
    """What is inside, as CycloneDX; without a clock, so that builds can be compared."""
    components = [
        {
            "type": "library",
            "bom-ref": wheel.path.name,
            "name": wheel.pin.name,
            "version": wheel.pin.version,
            "purl": f"pkg:pypi/{wheel.pin.name}@{wheel.pin.version}",
            "licenses": [{"license": {"id": LICENSES[wheel.pin.name]}}],
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
            "properties": [{"name": "file", "value": wheel.path.name}],
        }
        for wheel in wheels
    ]
    application = {
        "type": "application",
        "bom-ref": "aiproxy",
        "name": "aiproxy",
        "version": _own_version(),
        "licenses": [{"license": {"id": "MIT"}}],
    }
    text = json.dumps(components, sort_keys=True)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, text)}",
        "version": 1,
        "metadata": {"component": application},
        "components": components,
        "dependencies": [
            {"ref": "aiproxy", "dependsOn": [c["bom-ref"] for c in components]}
        ],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _own_version() -> str:
    text = (ROOT / "aiproxy" / "__init__.py").read_text(encoding="utf-8")
    return re.findall(r'__version__ = "([^"]+)"', text)[0]


def write(output: Path, files: Mapping[str, bytes]) -> None:
    """One archive, names in order, all times alike; replaced in one step."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(output.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name)  # 1980-01-01, the format's beginning
                entry.create_system = 3
                entry.external_attr = 0o100644 << 16
                packed = name.endswith(".whl")
                entry.compress_type = 0 if packed else zipfile.ZIP_DEFLATED
                archive.writestr(entry, files[name], compresslevel=9)
    temporary.chmod(0o755)
    temporary.replace(output)


# Checking


def check(path: Path) -> int:
    """List contents, licences and hashes; 1 where something is missing or unknown."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            document = json.loads(archive.read(SBOM))
            wheels = {n: archive.read(n) for n in names if n.startswith("wheels/")}
    except (OSError, KeyError, zipfile.BadZipFile):
        return _fail(f"{path} is not there, or was not made by this program")
    licensed = {name for name in names if name.startswith("licenses/")}
    problems = list(_missing(names, document, licensed, wheels))
    size = path.stat().st_size
    if size > MAX_BYTES:
        problems.append(f"{size} bytes are more than {MAX_BYTES}")
    _list(names, document)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{size / 1024**2:.2f} MiB, SHA-256 {digest}")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _list(names: Sequence[str], document: Mapping[str, Any]) -> None:
    own = document["metadata"]["component"]
    print(f"{own['name']:9} {own['version']:8} {own['licenses'][0]['license']['id']}")
    for component in document["components"]:
        print(
            f"{component['name']:9} {component['version']:8}"
            f" {component['licenses'][0]['license']['id']:11}"
            f" {component['hashes'][0]['content']}  {component['bom-ref']}"
        )
    minors = (re.fullmatch(r"py3(\d+)/code", name) for name in names)
    known = sorted(int(match.group(1)) for match in minors if match)
    print("Code for Python " + ", ".join(f"3.{minor}" for minor in known))
    print(f"{len(names)} files, with the sources for any other Python")


def _missing(
    names: Sequence[str],
    document: Mapping[str, Any],
    licensed: set[str],
    wheels: Mapping[str, bytes],
) -> Iterator[str]:
    known = {"__main__.py", "LICENSE", SBOM, "bottle.py"}
    folders = {"aiproxy", "views", "waitress", "licenses", "wheels"}
    for name in names:
        top = name.split("/")[0]
        if top not in known | folders and not re.fullmatch(r"py3\d+", top):
            yield f"{name} does not belong here"
    if not any(name.endswith("/code") for name in names):
        yield "no Python's code is in it: every start will compile the sources"
    hashes = {c["bom-ref"]: c["hashes"][0]["content"] for c in document["components"]}
    for name in sorted({c["name"] for c in document["components"]}):
        if f"licenses/{name}.txt" not in licensed:
            yield f"the licence of {name} is missing"
    for name, content in wheels.items():
        if hashlib.sha256(content).hexdigest() != hashes.get(name.split("/", 1)[1]):
            yield f"{name} is not the file that the SBOM names"


if __name__ == "__main__":
    sys.exit(main())
