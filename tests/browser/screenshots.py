"""Pictures of every page and state: `python -m tests.browser.screenshots [NAME...]`.

They go to docs/screenshots/: one a page in light, and what differs most in dark, on a
phone, empty, failing and overfull. Look at them after a change, as ui.md's last
section says. With Pillow installed they take a third of the space.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from tests.browser import sites
from tests.browser.served import DESKTOP, NARROW, PHONE, Window, launch
from tests.support import MEMBER_NAME, MEMBER_PASSWORD

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
COLOURS = 64  # of a picture; more than the pages use, but for the edges of letters
TALLEST = 1200  # a longer page is cut


class Shot(NamedTuple):
    """One picture: which site, which page, how seen."""

    name: str
    state: str
    path: str
    width: int = DESKTOP
    theme: str = "light"
    member: bool = False
    click: str = ""  # a button that leads to what the picture shows


def shots() -> Iterator[Shot]:
    for name, path in sites.PAGES.items():
        yield Shot(name, "full", path)
    for name in ("dashboard", "requests", "request", "providers", "connect", "prompt"):
        yield Shot(f"{name}-dark", "full", sites.PAGES[name], theme="dark")
        yield Shot(f"{name}-phone", "full", sites.PAGES[name], width=PHONE)
    for name in ("dashboard", "requests", "usage"):
        yield Shot(f"{name}-empty", "empty", sites.PAGES[name])
    yield Shot("setup-refused", "refused", "/")
    yield Shot("setup-key", "tested", "/", click="Make a key for Claude Code")
    for name in ("dashboard", "dashboard-failed", "providers"):
        yield Shot(f"{name}-failing", "failing", sites.PAGES[name])
    yield Shot("dashboard-failing-phone", "failing", "/", width=PHONE, theme="dark")
    for name in ("dashboard", "requests", "request", "providers", "aliases"):
        yield Shot(f"{name}-overfull", "overfull", sites.PAGES[name])
        yield Shot(
            f"{name}-overfull-narrow", "overfull", sites.PAGES[name], width=NARROW
        )
    yield Shot("dashboard-member", "full", "/", member=True)


def main(names: list[str]) -> int:
    wanted = [shot for shot in shots() if not names or shot.name in names]
    unknown = set(names) - {shot.name for shot in wanted}
    if unknown:
        print(f"there is no picture called {', '.join(sorted(unknown))}")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for state in sites.STATES:
            of_state = [shot for shot in wanted if shot.state == state]
            if of_state:
                take(browser, state, of_state)
        browser.close()
    return 0


def take(browser: Browser, state: str, wanted: list[Shot]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        served = sites.STATES[state](Path(folder))
        try:
            for member in (False, True):
                mine = [shot for shot in wanted if shot.member is member]
                if mine:
                    window = Window(browser, served, reduced_motion="reduce")
                    credentials = (MEMBER_NAME, MEMBER_PASSWORD) if member else ()
                    window.log_in(*credentials)
                    for shot in mine:
                        take_one(window, shot)
                    window.close()
        finally:
            served.close()
            served.site.close()


def take_one(window: Window, shot: Shot) -> None:
    page = window.page
    page.emulate_media(color_scheme=shot.theme)
    # The window is as tall as the picture, or what sticks to it would hang half-way.
    page.set_viewport_size({"width": shot.width, "height": 800})
    page.goto(sites.address(window.served, shot.path))
    if shot.click:
        page.get_by_role("button", name=shot.click).click()
        page.wait_for_load_state()
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size(
        {"width": shot.width, "height": min(max(height, 800), TALLEST)}
    )
    file = FOLDER / f"{shot.name}.png"
    page.screenshot(path=file)
    if importlib.util.find_spec("PIL"):
        shrink(file)
    print(f"{file.stat().st_size:8,}  {file.name}")


def shrink(file: Path) -> None:
    images = importlib.import_module("PIL.Image")
    with images.open(file) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=images.Dither.NONE)
    small.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
