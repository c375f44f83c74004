"""The pages come with the first of them; until then a proxy runs without."""

from __future__ import annotations

import subprocess
import sys
import threading

from aiproxy.web import pages
from aiproxy.web.app import Application
from tests.support import HOST, Browser, Site, call


def test_serving_the_api_needs_no_page():
    code = (
        "import sys, aiproxy.launch, aiproxy.cli\n"
        "loaded = [m for m in sys.modules if m.startswith('aiproxy.web.admin.')]\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_they_are_built_once_however_many_come_first(tmp_path, monkeypatch):
    site = Site(tmp_path)
    built = []
    real = pages.build_pages

    def counted(services):
        built.append(services)
        return real(services)

    monkeypatch.setattr(pages, "build_pages", counted)
    app = Application(site.services)
    assert call(app, "GET", "/health", headers={"Host": HOST}).status == 200
    assert built == []

    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(Browser(app).get("/login")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status for answer in answers] == [200] * 8
    assert len(built) == 1
    site.close()
