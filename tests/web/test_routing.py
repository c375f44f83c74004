"""How pages are declared, and what a handler may know of its visitor."""

import pytest

from aiproxy.store.users import User
from aiproxy.web.pages import PAGES
from aiproxy.web.routing import ADMIN, LOCAL_OR_ADMIN, OPEN, SESSION, Route, Visitor


def test_a_route_is_closed_unless_it_says_otherwise():
    assert Route("GET", "/x", print).access == SESSION


def test_what_is_open_to_everybody_is_a_short_list():
    assert {route.path for route in PAGES if route.access == OPEN} <= {
        "/login",
        "/logout",
        "/static/<digest>/<name>",
    }


def test_every_access_level_is_one_that_the_guard_knows():
    assert {route.access for route in PAGES} <= {OPEN, SESSION, ADMIN, LOCAL_OR_ADMIN}


@pytest.mark.parametrize(
    ("user", "is_admin"),
    [
        (None, False),
        (User(1, "a", role="member"), False),
        (User(1, "a", role="admin"), True),
    ],
)
def test_an_admin_is_a_user_of_that_role(user, is_admin):
    assert Visitor(user=user).is_admin is is_admin
