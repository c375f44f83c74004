"""One's own password, theme and personal API keys.

While the first password holds this page is all that opens, and shows the one form that
changes it.
"""

from __future__ import annotations

from typing import Any, Mapping

from bottle import HTTPResponse

from aiproxy.records import replace
from aiproxy.security import passwords, tokens
from aiproxy.services import Services
from aiproxy.store import api_keys, users
from aiproxy.store import sessions as session_rows
from aiproxy.store.users import User
from aiproxy.web import forms, render, sessions
from aiproxy.web.admin import login, personal_keys
from aiproxy.web.routing import Route, Visitor

PATH = "/profile"
PASSWORD_FIELDS = ("current_password", "new_password", "confirm_password")


def show_profile(services: Services, visitor: Visitor) -> HTTPResponse:
    """Password, theme, keys; or only the forced change."""
    return _page(services, visitor, errors={})


def save_profile(services: Services, visitor: Visitor) -> HTTPResponse:
    """Change the password, the theme, or both: whatever is sent."""
    user = _user(visitor)
    fields = forms.read()
    theme = fields.choice("theme", render.THEMES, user.theme, label="The theme")
    wants_password = user.must_change_password or any(
        fields.typed(name) for name in PASSWORD_FIELDS
    )
    if not wants_password and "theme" not in fields:
        fields.reject("new_password", "Type a new password.")
    new_hash = ""
    if wants_password:
        new_hash = _parse_password(services, visitor, fields, user)
    if fields.errors:
        return _page(services, visitor, errors=fields.errors)
    session_id = _store(services, visitor, user, theme, new_hash)
    if session_id:
        visitor = replace(visitor, session_id=session_id)
    answer = render.done(
        services,
        visitor,
        "/" if user.must_change_password else PATH,
        flash=_saved_words(changed_password=bool(new_hash)),
        json=_object(services, services.snapshot.users[user.id]),
    )
    if session_id:
        cookie = sessions.set_cookie(services, session_id, is_secure=visitor.is_secure)
        answer.add_header("Set-Cookie", cookie)
    answer.add_header("Set-Cookie", render.theme_cookie(services, visitor, theme))
    return answer


def add_key(services: Services, visitor: Visitor) -> HTTPResponse:
    """Make a key of one's own."""
    fields = forms.read()
    wanted = personal_keys.parse(fields)
    if fields.errors:
        return _page(services, visitor, errors=fields.errors)
    return personal_keys.make(services, visitor, _user(visitor).id, path=PATH, **wanted)


def revoke_key(services: Services, visitor: Visitor, *, key_id: int) -> HTTPResponse:
    """End one of one's own keys; another's is not found."""
    user_id = _user(visitor).id
    with services.transaction() as db:
        key = api_keys.get(db, key_id, user_id=user_id)
        api_keys.revoke(db, key_id, user_id=user_id, now=services.now())
    flash = f"The key {key.name} is revoked and works no longer."
    return render.done(services, visitor, PATH, flash=flash)


def _user(visitor: Visitor) -> User:
    if visitor.user is None:  # the route asks for a session, so there is one
        raise AssertionError("no user behind a session route")
    return visitor.user


def _parse_password(
    services: Services, visitor: Visitor, fields: forms.Fields, user: User
) -> str:
    """The new password's hash, or "" with what is wrong in `fields.errors`."""
    current, new, again = (fields.typed(name) for name in PASSWORD_FIELDS)
    problem = passwords.problem(new, user.username)
    if problem:
        fields.reject("new_password", problem)
    elif new != again:
        fields.reject("confirm_password", "The two new passwords differ.")
    if not login.is_password(
        services, visitor, user.username, current, user.password_hash
    ):
        fields.reject("current_password", "This is not your present password.")
    if fields.errors:
        return ""
    return services.passwords.hash(new)


def _store(
    services: Services, visitor: Visitor, user: User, theme: str, new_hash: str
) -> str:
    """Save, and after a new password the session's new id: all others end."""
    session_id = ""
    with services.transaction() as db:
        users.update(db, user.id, theme=theme)
        if new_hash:
            users.update(
                db, user.id, password_hash=new_hash, must_change_password=False
            )
            digest = tokens.digest(visitor.session_id) if visitor.session_id else ""
            session_rows.delete_of_user(db, user.id, keep=digest)
            if digest:
                session_id = tokens.make_session_id()
                session_rows.renew(db, digest, tokens.digest(session_id))
    if session_id:
        services.session_memory.move_session(visitor.session_id, session_id)
    return session_id


def _saved_words(*, changed_password: bool) -> str:
    if changed_password:
        return "Your password is changed. All other sessions are logged out."
    return "Saved."


def _object(services: Services, user: User) -> dict[str, Any]:
    keys = personal_keys.of_user(services, user.id)
    return {
        "username": user.username,
        "role": user.role,
        "theme": user.theme,
        "keys": [personal_keys.key_object(key) for key in keys],
    }


def _page(
    services: Services, visitor: Visitor, *, errors: Mapping[str, str]
) -> HTTPResponse:
    user = _user(visitor)
    template = "first_password" if user.must_change_password else "profile"
    if errors and render.wants_json():
        return render.invalid(services, visitor, template, errors=errors)
    return render.page(
        services,
        visitor,
        template,
        status=422 if errors else 200,
        json=_object(services, user),
        errors=dict(errors),
        keys=personal_keys.of_user(services, user.id),
        new_key=personal_keys.take_new(services, visitor),
    )


ROUTES = [
    Route("GET", PATH, show_profile),
    Route("POST", PATH, save_profile),
    Route("POST", PATH + "/keys/new", add_key),
    Route("POST", PATH + "/keys/revoke/<key_id:int>", revoke_key),
]
