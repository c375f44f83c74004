"""A site behind the real server, and a Chromium that looks at it.

`Window` notes what no page may cause: a console message, an error of the script, a
request to another origin. A test that provokes one says so.
"""

from __future__ import annotations

import os
import shutil
import socket
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request

from aiproxy.serving.server import Server
from aiproxy.store import providers, request_log
from aiproxy.web.app import head_judge
from tests.browser import sample_log
from tests.patience import SECONDS
from tests.support import ADMIN_NAME, ADMIN_PASSWORD, Site

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
DESKTOP, PHONE, NARROW = 1280, 390, 320


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium; in a container it has no sandbox of its own."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
    )


class Served:
    """The site on a free loopback port; it can go away and come back."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._server = self._start(0)
        self.port = self._server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def go_away(self) -> None:
        """Until `come_back`: nobody listens on the port, nor can anybody else."""
        self._server.stop()
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", self.port))

    def come_back(self) -> None:
        self._place.close()
        self._server = self._start(self.port)

    def close(self) -> None:
        self._server.stop()

    def _start(self, port: int) -> Server:
        judge = head_judge(self.site.services)
        return Server(self.site.app, port=port, judge=judge).start()

    def give_keys(self, *slugs: str) -> None:
        """Providers that look used; no request ever reaches one."""
        long_ago = self.site.services.now() - 9 * 86_400
        with self.site.services.transaction() as db:
            for slug in slugs:
                providers.update(
                    db,
                    self.site.provider(slug).id,
                    api_key="sk-or-v1-made-up-7741",
                    model_sonnet="openai/gpt-5.1",
                    now=long_ago,
                )

    def fill_log(self, number: int, *, bodies: int = 3) -> None:
        """Days of work; the newest rows have their bodies."""
        now = self.site.services.now()
        entries = list(sample_log.entries(now, number=number))
        entries[-bodies:] = [sample_log.with_bodies(one) for one in entries[-bodies:]]
        db = self.site.services.database.connection()
        with self.site.services.database.writing(db):
            request_log.add_many(db, entries)


class Window:
    """One browser context with one page, logged in on demand."""

    def __init__(self, browser: Browser, served: Served, **options: Any) -> None:
        width = options.pop("width", DESKTOP)
        self.served = served
        self.context: BrowserContext = browser.new_context(
            base_url=served.url,
            viewport={"width": width, "height": 900},
            timezone_id="Africa/Lagos",
            **options,
        )
        self.context.set_default_timeout(SECONDS * 1000)
        self.page: Page = self.context.new_page()
        self.console: list[str] = []
        self.foreign: list[str] = []
        self.asked: list[str] = []  # paths, in order
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        self.asked.append(f"{parts.path}?{parts.query}")
        if f"{parts.scheme}://{parts.netloc}" != self.served.url:
            self.foreign.append(request.url)

    def log_in(self, name: str = ADMIN_NAME, password: str = ADMIN_PASSWORD) -> Page:
        self.page.goto("/login")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self.page

    def polls(self) -> list[str]:
        return [path for path in self.asked if "part=live" in path]

    def settle(self) -> None:
        """Until the page has asked what it had to, and dealt with what it was told."""
        self.page.evaluate("fetch('/health').then(said => said.text()).catch(() => 0)")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - innerWidth"
        )
        return width

    def close(self) -> None:
        self.context.close()

    def assert_quiet(self) -> None:
        assert self.console == [], self.console
        assert self.foreign == [], self.foreign
