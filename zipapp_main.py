"""What aiproxy.pyz runs first: it becomes __main__.py at the archive's top.

zipimport compiles each module anew at every start, which doubles the time to the
first answer. So the archive holds, for each CPython, the code of all modules in one
entry, found before the sources, and in another what only pages need; any other Python
runs the sources. Written for any Python, as aiproxy/__main__.py is.
"""

import sys

if sys.version_info < (3, 8):
    sys.exit(
        "AI Proxy needs Python 3.8 or newer; this is Python %d.%d (%s)."
        " Start it with a newer one, such as python3.12."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import importlib.util
import marshal
import os
import runpy
import zipimport

# It may have been named relative to a folder that is not the current one for long.
ARCHIVE = sys.path[0] = os.path.abspath(sys.path[0])
OWN = ARCHIVE + "/py%d%d" % sys.version_info[:2]
CONTENT = zipimport.zipimporter(ARCHIVE)
if os.path.isdir("/proc/self/fd"):
    # Held, it can be read to the end, though an upgrade takes its place meanwhile.
    CONTENT.archive = "/proc/self/fd/%d" % os.open(ARCHIVE, os.O_RDONLY)


class Modules:
    """Finds and loads the modules in `codes`, path in the archive to code as bytes.

    Of what only pages need it is None: that is read with the first of them.
    """

    def __init__(self, codes):
        self.archive = ARCHIVE
        self._codes = codes

    def find_spec(self, fullname, path=None, target=None):
        file = self._file_of(fullname)
        if file is None:
            return None
        spec = importlib.util.spec_from_loader(
            fullname, self, origin=ARCHIVE + "/" + file, is_package=is_init(file)
        )
        spec.has_location = True
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.get_code(module.__name__), module.__dict__)
        # Hardly ever wanted again, and a megabyte in all.
        self._codes[self._file_of(module.__name__)] = b""

    def get_code(self, fullname):
        file = self._file_of(fullname)
        if self._codes[file] is None:
            self._codes.update(find_code("/pages"))
        if self._codes[file]:
            return marshal.loads(self._codes[file])
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", optimize=2)

    def get_source(self, fullname):
        """For tracebacks."""
        if self._file_of(fullname) is None:
            return None
        return self.get_data(self.get_filename(fullname)).decode("utf-8")

    def get_data(self, path):
        return read(path)

    def get_filename(self, fullname):
        return ARCHIVE + "/" + self._file_of(fullname)

    def is_package(self, fullname):
        return is_init(self._file_of(fullname))

    def _file_of(self, fullname):
        name = fullname.replace(".", "/")
        for file in (name + "/__init__.py", name + ".py"):
            if file in self._codes:
                return file
        return None


def read(path):
    if path.startswith(ARCHIVE):
        path = CONTENT.archive + path[len(ARCHIVE) :]
    return CONTENT.get_data(path)


def is_init(file):
    return file.endswith("/__init__.py")


def find_code(entry):
    """The modules' code made for this very Python, or None: then sources run."""
    try:
        data = read(OWN + entry)
    except OSError:
        return None
    magic = importlib.util.MAGIC_NUMBER
    if data[: len(magic)] != magic:
        return None  # another implementation, or a pre-release
    return marshal.loads(memoryview(data)[len(magic) :])


modules = find_code("/code")
if modules is not None:
    sys.meta_path.insert(0, Modules(modules))
runpy.run_module("aiproxy", run_name="__main__", alter_sys=True)
