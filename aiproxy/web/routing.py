"""How a page is declared: method, path, who may, and the function that answers."""

from __future__ import annotations

from typing import Any, Callable

from aiproxy.records import dataclass
from aiproxy.store.users import User

OPEN = "open"  # anyone who passes Host and Origin
SESSION = "session"  # any logged-in user; a script with an admin's key
ADMIN = "admin"  # admins only: 403 for members
LOCAL_OR_ADMIN = "local"  # a local request, or an admin


@dataclass(frozen=True)
class Visitor:
    """Who asks, as the guard found out; handlers trust it and nothing else."""

    user: User | None
    session_id: str = ""  # the browser's, never stored or logged in clear
    csrf_token: str = ""  # for the hidden field of every form
    by_key: bool = False  # a script with a personal key
    is_local: bool = False  # security.md §1.6
    is_secure: bool = False  # https, directly or by a trusted proxy
    address: str = ""  # the client's, behind trusted proxies
    has_new_session: bool = False  # made just now; the cookie goes out with the answer
    base_url: str = ""  # scheme://host[:port] + base path that this client used

    @property
    def is_admin(self) -> bool:
        return self.user is not None and self.user.role == "admin"


# handler(services, visitor, **path parameters) -> bottle.HTTPResponse
Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One line of a page's ROUTES, in bottle's syntax: `/user/edit/<user_id:int>`."""

    method: str
    path: str
    handler: Handler
    access: str = SESSION
