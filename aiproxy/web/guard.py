"""Who may: Host, Origin, personal keys, sessions, roles and CSRF, in that order.

Nothing here answers; it raises an error that knows its status, or says who asks.
"""

from __future__ import annotations

import re
from typing import Mapping

from aiproxy.errors import (
    AIProxyError,
    AuthenticationFailed,
    PermissionDenied,
)
from aiproxy.head import RequestHead
from aiproxy.records import dataclass
from aiproxy.security import tokens
from aiproxy.services import Services
from aiproxy.store.api_keys import ApiKey
from aiproxy.store.users import User
from aiproxy.web import sessions
from aiproxy.web.routing import ADMIN, LOCAL_OR_ADMIN, OPEN, Visitor

_PROBE = re.compile(r"/v1/messages/[^/]+(/api/hello)?")

# What a user whose first password still holds may open, and nothing else.
_BEFORE_PASSWORD_CHANGE = ("/profile", "/logout", "/login")

_REFUSED_KEY = (
    "the API key was refused. Make a key under Profile & keys on this server's pages"
    " and set it as ANTHROPIC_AUTH_TOKEN."
)
_MISSING_KEY = (
    "an API key is needed. Make one under Profile & keys on this server's pages"
    " and set it as ANTHROPIC_AUTH_TOKEN."
)


class LoginNeeded(AuthenticationFailed):
    """No session: a browser is sent to the login page, a script is told."""


class PasswordChangeNeeded(PermissionDenied):
    """The first password still holds: a browser is sent to the form that changes it."""


@dataclass(frozen=True)
class Caller:
    """Who sends a request under /v1; `user` is None where no key is needed."""

    user: User | None = None
    key: ApiKey | None = None
    address: str = ""

    @property
    def rate_key(self) -> str:
        """What the rate limit counts by: the key, else the address."""
        return f"key:{self.key.id}" if self.key else f"address:{self.address}"


def needs_no_key(head: RequestHead) -> bool:
    """The client's connectivity probe, which carries no key."""
    if head.method not in ("HEAD", "GET"):
        return False
    return _PROBE.fullmatch(head.path) is not None and (
        head.method == "HEAD" or head.path.endswith("/api/hello")
    )


def judge_head(services: Services, head: RequestHead) -> Caller | None:
    """Everything that the head alone decides; the body is not read if this raises."""
    frontier = services.frontier()
    frontier.check_host(head)
    frontier.check_origin(head)
    if head.is_api and not needs_no_key(head):
        return admit_caller(services, head)
    return None


def admit_caller(services: Services, head: RequestHead) -> Caller:
    """The holder of the personal key, or nobody where the policy needs none."""
    address = services.frontier().client_address(head)
    owners = [_owner_of(services, c) for c in _own_credentials(head.headers)]
    if owners:
        user, key = owners[0]
        return Caller(user=user, key=key, address=address)
    policy = services.settings.proxy_auth
    if policy == "required" or (policy == "auto" and not services.is_local(head)):
        raise _refused(_MISSING_KEY)
    return Caller(address=address)


def _own_credentials(headers: Mapping[str, str]) -> list[str]:
    """Every credential that claims to be one of our keys, wherever it stands."""
    found = []
    for name in ("authorization", "x-api-key"):
        # The same header sent twice arrives joined by a comma.
        words = headers.get(name, "").replace(",", " ").split()
        found += [word for word in words if word.startswith(tokens.API_KEY_PREFIX)]
    return found


def _owner_of(services: Services, credential: str) -> tuple[User, ApiKey]:
    snapshot = services.snapshot
    key = snapshot.keys.get(tokens.digest(credential))
    if key is None or not key.is_valid(services.now()):
        raise _refused(_REFUSED_KEY)
    user = snapshot.users.get(key.user_id)
    if user is None or not user.enabled:
        raise _refused(_REFUSED_KEY)
    services.touch_key(key.id)
    return user, key


def _refused(message: str) -> AuthenticationFailed:
    # Without this header the client repeats the request like a server error.
    return AuthenticationFailed(message, headers={"x-should-retry": "false"})


def shows_admin(services: Services, head: RequestHead) -> bool:
    """Whether the head of a page's request is an admin's, judged by what is in memory.

    Asked where nothing may wait; `find_visitor` judges again before anything is done.
    """
    if "authorization" in head.headers or "x-api-key" in head.headers:
        try:
            return _owner_of_script(services, head).is_admin
        except AIProxyError:
            return False
    is_secure = services.frontier().scheme(head) == "https"
    user = sessions.recall_user(services, head.headers, is_secure=is_secure)
    return _is_open_to(services, head) if user is None else user.is_admin


def find_visitor(services: Services, head: RequestHead) -> Visitor:
    """Who asks for a page: a script by its key, a browser by its cookie, or nobody."""
    frontier = services.frontier()
    is_secure = frontier.scheme(head) == "https"
    known = Visitor(
        user=None,
        is_local=services.is_local(head),
        is_secure=is_secure,
        address=frontier.client_address(head),
        base_url=frontier.base_url(head),
    )
    if "authorization" in head.headers or "x-api-key" in head.headers:
        return _script(services, head, known)
    session_id = sessions.read_cookie(services, head.headers, is_secure=is_secure)
    user = sessions.find_user(
        services, session_id, services.now(), is_poll="part=" in head.query
    )
    if user is None and _is_open_to(services, head):
        user = services.snapshot.first_admin()
        if user is not None:
            session_id = sessions.start(services, user, now=services.now())
            return _logged_in(services, known, user, session_id, is_new=True)
    if user is None:
        return known
    return _logged_in(services, known, user, session_id, is_new=False)


def _script(services: Services, head: RequestHead, known: Visitor) -> Visitor:
    return Visitor(
        user=_owner_of_script(services, head),
        by_key=True,
        is_local=known.is_local,
        is_secure=known.is_secure,
        address=known.address,
        base_url=known.base_url,
    )


def _is_open_to(services: Services, head: RequestHead) -> bool:
    """Whoever sits at this machine is an admin, where the settings say so."""
    return not services.settings.require_authentication and services.is_local(head)


def _owner_of_script(services: Services, head: RequestHead) -> User:
    owners = [_owner_of(services, c) for c in _own_credentials(head.headers)]
    if not owners:
        raise AuthenticationFailed("an admin's personal API key is needed")
    user, _ = owners[0]
    if user.role != "admin":
        raise PermissionDenied("a member's key is for /v1 alone")
    return user


def _logged_in(
    services: Services, known: Visitor, user: User, session_id: str, *, is_new: bool
) -> Visitor:
    return Visitor(
        user=user,
        session_id=session_id,
        csrf_token=sessions.csrf_token(services, session_id),
        is_local=known.is_local,
        is_secure=known.is_secure,
        address=known.address,
        base_url=known.base_url,
        has_new_session=is_new,
    )


def check_csrf(visitor: Visitor, token: str) -> None:
    """A POST that a cookie carries must show that our own page sent it."""
    if visitor.user is None or visitor.by_key:
        return
    if not tokens.equal(token, visitor.csrf_token):
        raise PermissionDenied(
            "this form is no longer valid. Load the page again and repeat the change."
        )


def check_access(visitor: Visitor, access: str, path: str) -> None:
    """Whether this visitor may use a route of this access level."""
    if access == OPEN:
        return
    if access == LOCAL_OR_ADMIN and visitor.is_local:
        return
    if visitor.user is None:
        raise LoginNeeded("log in first, or send an admin's personal API key")
    if visitor.user.must_change_password and path not in _BEFORE_PASSWORD_CHANGE:
        raise PasswordChangeNeeded(
            "choose your own password first: the first one opens nothing else"
        )
    if access in (ADMIN, LOCAL_OR_ADMIN) and not visitor.is_admin:
        raise PermissionDenied("only an admin may do this")


__all__ = [
    "AIProxyError",
    "Caller",
    "LoginNeeded",
    "PasswordChangeNeeded",
    "admit_caller",
    "check_access",
    "check_csrf",
    "find_visitor",
    "judge_head",
    "shows_admin",
]
