"""Launcher for a checkout: `python aiproxy.py serve`, the same as `-m aiproxy`.

Written for any Python: one that is too old must be able to say so.
"""

import runpy

if __name__ == "__main__":
    runpy.run_module("aiproxy", run_name="__main__", alter_sys=True)
