"""A browser's session: its cookie, its row, its CSRF token (security.md section 4)."""

from __future__ import annotations

from typing import Mapping

from aiproxy.security import tokens
from aiproxy.services import Services
from aiproxy.store import sessions
from aiproxy.store.users import User
from aiproxy.web import cookies

COOKIE = "aiproxy_session"
TOUCH_SECONDS = 300  # how exactly the idle time of a session is kept


def cookie_name(services: Services, *, is_secure: bool) -> str:
    """Prefixed where the cookie is Secure, so that no plain-http page can set it."""
    if not (is_secure or services.settings.session_cookie_secure):
        return COOKIE
    return ("__Secure-" if services.base_path else "__Host-") + COOKIE


def read_cookie(
    services: Services, headers: Mapping[str, str], *, is_secure: bool
) -> str:
    """The session id that the browser sent; damaged, giant or doubled ones are none."""
    name = cookie_name(services, is_secure=is_secure)
    values = cookies.cookie_values(headers.get("cookie", ""), name)
    if len(values) != 1 or not tokens.is_session_id(values[0]):
        return ""
    return values[0]


def find_user(
    services: Services, session_id: str, now: int, *, is_poll: bool = False
) -> User | None:
    """Whose session this is, while it and the user hold; polls prolong nothing."""
    if not session_id:
        return None
    digest = tokens.digest(session_id)
    session = sessions.find(services.database.connection(), digest, now=now)
    if session is None:
        return None
    user = services.snapshot.users.get(session.user_id)
    if user is None or not user.enabled:
        return None
    services.known_sessions.add(digest, user.id)
    if not is_poll and now - session.last_seen >= TOUCH_SECONDS:
        services.touch_session(digest)
    return user


def recall_user(
    services: Services, headers: Mapping[str, str], *, is_secure: bool
) -> User | None:
    """Whose session this is or was: the database is not asked if it still holds."""
    session_id = read_cookie(services, headers, is_secure=is_secure)
    owner = services.known_sessions.find_owner(tokens.digest(session_id))
    user = None if owner is None else services.snapshot.users.get(owner)
    return user if user is not None and user.enabled else None


def start(services: Services, user: User, *, now: int) -> str:
    """A new session for `user`; the id goes into the cookie and nowhere else."""
    session_id = tokens.make_session_id()
    digest = tokens.digest(session_id)
    with services.transaction() as db:
        sessions.create(db, digest, user_id=user.id, now=now)
    services.known_sessions.add(digest, user.id)
    return session_id


def csrf_token(services: Services, session_id: str) -> str:
    """The token that every form of this session carries."""
    return tokens.csrf_token(services.settings.secret_key, session_id)


def set_cookie(services: Services, session_id: str, *, is_secure: bool) -> str:
    """The value of the Set-Cookie header that logs a browser in."""
    return _cookie(services, session_id, is_secure=is_secure, ends="")


def clear_cookie(services: Services, *, is_secure: bool) -> str:
    """The value of the Set-Cookie header that logs a browser out."""
    return _cookie(services, "", is_secure=is_secure, ends="; Max-Age=0")


def _cookie(services: Services, value: str, *, is_secure: bool, ends: str) -> str:
    secure = is_secure or services.settings.session_cookie_secure
    # __Host- demands Path=/ ; elsewhere the cookie stays within the base path.
    path = services.base_path or "/"
    return (
        f"{cookie_name(services, is_secure=is_secure)}={value}; Path={path};"
        f" HttpOnly; SameSite=Lax{'; Secure' if secure else ''}{ends}"
    )
