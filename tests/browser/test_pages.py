"""Every page in every state: readable by everybody, within its width and weight."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import checks, sites
from tests.browser.served import DESKTOP, NARROW, PHONE, Window
from tests.support import MEMBER_NAME, MEMBER_PASSWORD

MAX_ASSETS = 40_000  # bytes of CSS and script, raw
MAX_PAGE = 60_000
AXE = Axe().axe_script
# A card clips what sticks out of it, which the page's own width does not show.
CUT_OFF = """() => [...document.querySelectorAll('.card, .tile, .others')]
    .filter(card => card.scrollWidth > card.clientWidth + 1)
    .map(card => card.outerHTML.slice(0, 120))"""
STATES_OF = {
    # Where a state looks like another one of a page, it is not looked at again.
    "empty": ("dashboard", "requests", "usage", "providers", "aliases", "connect"),
    "refused": ("dashboard", "providers"),
    "tested": ("dashboard",),
    "failing": ("dashboard", "dashboard-failed", "requests", "providers", "settings"),
    "overfull": tuple(
        name for name in sites.PAGES if name not in ("users", "settings", "help")
    ),
    "full": tuple(sites.PAGES),
}
CASES = [(state, name) for state, names in STATES_OF.items() for name in names]


@pytest.fixture(scope="module")
def windows(chromium, tmp_path_factory):
    """One logged-in window a state, kept for the whole module."""
    opened: dict[str, Window] = {}

    def get(state: str) -> Window:
        if state not in opened:
            served = sites.STATES[state](tmp_path_factory.mktemp(state))
            # Colours fade while they change, and axe would meet them half-way.
            opened[state] = Window(chromium, served, reduced_motion="reduce")
            opened[state].log_in()
        return opened[state]

    yield get
    for window in opened.values():
        window.close()
        window.served.close()
        window.served.site.close()


@pytest.fixture
def visit(windows):
    """Open a page of a state; afterwards it must have been quiet."""
    visited: list[Window] = []

    def go(state: str, name: str) -> Window:
        window = windows(state)
        visited.append(window)
        path = sites.address(window.served, sites.PAGES[name])
        assert path, f"{state} has no {name}"
        window.page.set_viewport_size({"width": DESKTOP, "height": 900})
        window.page.goto(path)
        return window

    yield go
    for window in visited:
        # The browser itself notes the 404 of a page that is not there.
        window.console = [line for line in window.console if "404" not in line]
        window.assert_quiet()


@pytest.mark.parametrize(("state", "name"), CASES)
def test_axe_finds_nothing_in_any_colours_and_widths(visit, state, name):
    window = visit(state, name)
    looks = [("light", DESKTOP), ("dark", PHONE)]
    if state == "full":
        looks += [("dark", DESKTOP), ("light", PHONE)]
    for theme, width in looks:
        window.page.emulate_media(color_scheme=theme)
        window.page.set_viewport_size({"width": width, "height": 900})
        checks.assert_accessible(window.page, AXE)


@pytest.mark.parametrize(("state", "name"), CASES)
def test_nothing_is_wider_than_its_place(visit, state, name):
    window = visit(state, name)
    for width in (NARROW, PHONE, 768, 1024):
        window.page.set_viewport_size({"width": width, "height": 700})
        checks.assert_fits(window.page)
    for width in (NARROW, 850, 1024, 1100, DESKTOP):
        window.page.set_viewport_size({"width": width, "height": 700})
        assert window.page.evaluate(CUT_OFF) == [], f"at {width}"


@pytest.mark.parametrize("name", sites.PAGES)
def test_a_page_stays_within_its_weight(visit, name):
    window = visit("full", name)

    weight = window.page.evaluate("document.documentElement.outerHTML.length")
    assert weight < MAX_PAGE


def test_styles_and_script_stay_small_and_are_asked_for_once(visit):
    window = visit("full", "dashboard")
    paths = window.page.evaluate(
        "performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    static = [path for path in paths if "/static/" in path]
    sizes = [
        window.page.request.get(path).body()
        for path in static
        if path.endswith((".css", ".js"))
    ]

    assert len(sizes) == 2
    assert sum(map(len, sizes)) < MAX_ASSETS
    assert len(static) == len(set(static)) <= 3


def test_a_page_is_interactive_at_once(visit):
    window = visit("full", "dashboard")

    ready = window.page.evaluate(
        "performance.getEntriesByType('navigation')[0].domInteractive"
    )
    # 100 ms on a machine of its own; tests share theirs.
    assert ready < 500


@pytest.mark.parametrize("name", sites.PAGES)
def test_a_page_has_one_h1_a_title_and_at_most_one_primary_button(visit, name):
    page = visit("full", name).page

    assert page.locator("h1").count() == 1
    assert page.title().endswith("· AI Proxy")
    assert page.locator(".button.primary:visible").count() <= 1


@pytest.mark.parametrize("name", sites.PAGES)
def test_every_target_can_be_hit_with_a_finger(visit, name):
    page = visit("full", name).page
    page.set_viewport_size({"width": PHONE, "height": 900})

    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main select, main summary,'
            + 'main input:not([type=hidden]):not(.hidden), nav a, .button')]
            .filter(element => element.checkVisibility())
            .map(element => [element.outerHTML.slice(0, 80), element])
            .filter(([, element]) => {
                const box = element.getBoundingClientRect();
                const label = element.labels?.[0]?.getBoundingClientRect();
                return Math.max(box.height, label?.height ?? 0) < 24;
            })
            .map(([words]) => words)"""
    )
    assert small == []


@pytest.mark.parametrize("name", sites.MEMBER_PAGES)
def test_a_member_finds_pages_without_dead_ends(
    chromium, windows, name, request: pytest.FixtureRequest
):
    window = Window(chromium, windows("full").served)
    request.addfinalizer(window.close)
    page = window.log_in(MEMBER_NAME, MEMBER_PASSWORD)
    page.goto(sites.MEMBER_PAGES[name])

    links = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"/\"]:not([download])')]"
        ".map(link => link.getAttribute('href').split('#')[0])"
    )
    for link in sorted(set(links)):
        assert page.request.get(link, max_redirects=0).status == 200, link
    window.assert_quiet()
