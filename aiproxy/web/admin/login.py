"""Login and logout.

Unknown, disabled and wrong are told apart by nobody: same page, same status, one hash.
The first password earns no session from anywhere but this machine.
"""

from __future__ import annotations

from bottle import HTTPResponse, request

from aiproxy.errors import PermissionDenied, RateLimited
from aiproxy.security import tokens
from aiproxy.services import Services
from aiproxy.store import sessions as session_rows
from aiproxy.store import users
from aiproxy.store.users import User
from aiproxy.web import figures, forms, incoming, render, sessions
from aiproxy.web.routing import OPEN, Route, Visitor

WRONG = "Wrong name or password."
_FOREIGN_SITES = ("cross-site", "same-site")


def show_login(services: Services, visitor: Visitor) -> HTTPResponse:
    """The form; whoever is logged in already goes on."""
    next_path = safe_next(request.query.getunicode("next") or "")
    if visitor.user is not None:
        return render.redirect(services, next_path, status=302)
    return _form(services, visitor, next_path=next_path)


def log_in(services: Services, visitor: Visitor) -> HTTPResponse:
    """Open a session for the right name and password."""
    fields = forms.read()
    username = fields.text("username", label="The name")
    password = fields.typed("password")
    next_path = safe_next(fields.typed("next"))
    user = None
    if not fields.errors:
        try:
            user = _find_user(services, visitor, username, password)
        except RateLimited as exc:
            return _refuse(services, visitor, exc, username, next_path)
    if user is None:
        return _form(
            services, visitor, next_path=next_path, username=username, problem=WRONG
        )
    if user.must_change_password and not visitor.is_local:
        raise PermissionDenied(
            "the first password is for the machine itself. Log in there, or set"
            " another with reset-password"
        )
    _raise_cost(services, user, password)
    return _open_session(services, visitor, user, next_path)


def log_out(services: Services, visitor: Visitor) -> HTTPResponse:
    """End the session and forget what was kept for it."""
    return _close_session(services, visitor)


def show_logout(services: Services, visitor: Visitor) -> HTTPResponse:
    """A link logs out too; another site's link only asks."""
    site = incoming.header("Sec-Fetch-Site", "none")
    if site in _FOREIGN_SITES and visitor.user is not None:
        return render.page(services, visitor, "logout")
    return _close_session(services, visitor)


def safe_next(path: str) -> str:
    """A path of this server, or the dashboard."""
    is_path = path.startswith("/") and not path.startswith("//")
    if not is_path or "\\" in path or not path.isprintable() or len(path) > 2048:
        return "/"
    return path


def is_password(
    services: Services,
    visitor: Visitor,
    username: str,
    password: str,
    stored: str | None,
) -> bool:
    """Check a password and count the guess; raises RateLimited after too many.

    Without a stored hash one is computed all the same, so that it takes as long.
    """
    with services.login_guard.attempt(username, visitor.address) as attempt:
        attempt.is_success = services.passwords.verify(password, stored)
    return attempt.is_success


def _find_user(
    services: Services, visitor: Visitor, username: str, password: str
) -> User | None:
    user = users.find_by_username(services.database.connection(), username)
    if user is not None and not user.enabled:
        user = None
    stored = user.password_hash if user is not None else None
    if not is_password(services, visitor, username, password, stored):
        return None
    return user


def _raise_cost(services: Services, user: User, password: str) -> None:
    """A hash of an older cost or scheme is renewed while the password is at hand."""
    if services.passwords.needs_rehash(user.password_hash):
        password_hash = services.passwords.hash(password)
        with services.transaction() as db:
            users.update(db, user.id, password_hash=password_hash)


def _refuse(
    services: Services,
    visitor: Visitor,
    error: RateLimited,
    username: str,
    next_path: str,
) -> HTTPResponse:
    wait = error.headers.get("retry-after", "")
    if render.wants_json() or not wait.isdigit():
        raise error
    answer = _form(
        services,
        visitor,
        next_path=next_path,
        username=username,
        problem=f"Too many attempts. Try again in {_in_words(int(wait))}.",
        status=429,
    )
    answer.set_header("retry-after", wait)
    return answer


def _in_words(seconds: int) -> str:
    if seconds < 60:
        return figures.plural(seconds, "second")
    return figures.plural(-(-seconds // 60), "minute")


def _open_session(
    services: Services, visitor: Visitor, user: User, next_path: str
) -> HTTPResponse:
    now = services.now()
    session_id = sessions.start(services, user, now=now)
    with services.transaction() as db:
        users.update(db, user.id, last_login=now)
    path = "/profile" if user.must_change_password else next_path
    answer = render.done(
        services,
        visitor,
        path,
        json={"username": user.username, "role": user.role},
    )
    is_secure = visitor.is_secure
    cookie = sessions.set_cookie(services, session_id, is_secure=is_secure)
    answer.add_header("Set-Cookie", cookie)
    answer.add_header("Set-Cookie", render.theme_cookie(services, visitor, user.theme))
    return answer


def _close_session(services: Services, visitor: Visitor) -> HTTPResponse:
    if visitor.session_id:
        services.session_memory.forget_session(visitor.session_id)
        with services.transaction() as db:
            session_rows.delete(db, tokens.digest(visitor.session_id))
    answer = render.done(services, visitor, "/login")
    cookie = sessions.clear_cookie(services, is_secure=visitor.is_secure)
    answer.add_header("Set-Cookie", cookie)
    return answer


def _form(
    services: Services,
    visitor: Visitor,
    *,
    next_path: str,
    username: str = "",
    problem: str = "",
    status: int = 200,
) -> HTTPResponse:
    if problem and status == 200:
        status = 401
    first_start = visitor.is_local and any(
        user.must_change_password for user in services.snapshot.users.values()
    )
    return render.page(
        services,
        visitor,
        "login",
        status=status,
        json={"error": {"message": problem}}
        if problem
        else {"first_start": first_start},
        first_start=first_start,
        next_path=next_path,
        username=username,
        problem=problem,
    )


ROUTES = [
    Route("GET", "/login", show_login, access=OPEN),
    Route("POST", "/login", log_in, access=OPEN),
    Route("GET", "/logout", show_logout, access=OPEN),
    Route("POST", "/logout", log_out, access=OPEN),
]
