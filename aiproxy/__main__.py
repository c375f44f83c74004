"""`python -m aiproxy`; also what the launcher and the archive run.

Written for any Python: one that is too old says so here, before a line that it
cannot read. Hence no annotations and no f-strings.
"""

import gc
import sys

PARTS = ("bottle", "waitress")

if sys.version_info < (3, 8):
    sys.exit(
        "AI Proxy needs Python 3.8 or newer; this is Python %d.%d (%s)."
        " Start it with a newer one, such as python3.12."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
# What modules make stays till the end: no use in looking for garbage there.
gc.disable()
try:
    from aiproxy.cli import main
except ImportError as exc:
    if getattr(exc, "name", None) not in PARTS:
        raise
    sys.exit(
        "AI Proxy lacks the package %s: run ./install.sh once, or start it with"
        " ./start.sh, which does so." % exc.name
    )
gc.freeze()
gc.enable()
sys.exit(main())
