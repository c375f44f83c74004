"""Users and their keys, as an admin sees them; the last enabled admin stays."""

from __future__ import annotations

from typing import Any, Mapping

from bottle import HTTPResponse, request

from aiproxy.errors import NotFound, SlugTaken
from aiproxy.records import asdict
from aiproxy.security import passwords, tokens
from aiproxy.services import Services
from aiproxy.store import api_keys, users
from aiproxy.store import sessions as session_rows
from aiproxy.store.users import User
from aiproxy.web import forms, render
from aiproxy.web.admin import personal_keys
from aiproxy.web.routing import ADMIN, Route, Visitor

PATH = "/users"

_EMPTY = User(id=0, username="")


def list_users(services: Services, visitor: Visitor) -> HTTPResponse:
    """The table, and the form: empty, or with the user that `edit` names."""
    edited = _EMPTY
    if request.query.get("edit"):
        edited = _find(services, request.query.get("edit"))
    return _page(services, visitor, edited, values=asdict(edited))


def add_user(services: Services, visitor: Visitor) -> HTTPResponse:
    """Make a user."""
    return _save(services, visitor, _EMPTY)


def edit_user(services: Services, visitor: Visitor, *, user_id: int) -> HTTPResponse:
    """Change a user; less rights, or a new password, end the sessions at once."""
    return _save(services, visitor, _get(services, user_id))


def delete_user(services: Services, visitor: Visitor, *, user_id: int) -> HTTPResponse:
    """Delete a user with keys and sessions."""
    user = _get(services, user_id)
    with services.transaction() as db:
        users.delete(db, user_id)
    flash = f"{user.username} is deleted, with all keys and sessions."
    return render.done(services, visitor, PATH, flash=flash)


def unlock_user(services: Services, visitor: Visitor, *, user_id: int) -> HTTPResponse:
    """Forget wrong passwords, so that the next attempt counts as the first."""
    user = _get(services, user_id)
    services.login_guard.unlock(user.username)
    return render.done(
        services,
        visitor,
        PATH,
        flash=f"{user.username} can log in again.",
        json=user_object(services, user),
    )


def add_key(services: Services, visitor: Visitor, *, user_id: int) -> HTTPResponse:
    """Make a key for somebody."""
    user = _get(services, user_id)
    fields = forms.read()
    wanted = personal_keys.parse(fields)
    if fields.errors:
        return _page(services, visitor, user, values=asdict(user), errors=fields.errors)
    return personal_keys.make(
        services, visitor, user_id, path=f"{PATH}?edit={user_id}", **wanted
    )


def revoke_key(services: Services, visitor: Visitor, *, key_id: int) -> HTTPResponse:
    """End anybody's key."""
    with services.transaction() as db:
        key = api_keys.get(db, key_id)
        api_keys.revoke(db, key_id, now=services.now())
    return render.done(
        services,
        visitor,
        f"{PATH}?edit={key.user_id}",
        flash=f"The key {key.name} is revoked and works no longer.",
    )


def user_object(services: Services, user: User) -> dict[str, Any]:
    """The JSON of a user; a password's hash never leaves the database."""
    return {
        "id": user.id,
        "username": user.username,
        "role": user.role,
        "enabled": user.enabled,
        "must_change_password": user.must_change_password,
        "last_login": user.last_login,
        "locked_until": services.login_guard.locked_until(user.username),
        "created_at": user.created_at,
    }


def _save(services: Services, visitor: Visitor, present: User) -> HTTPResponse:
    fields = forms.read()
    changes, password = _parse(fields, present)
    if not fields.errors:
        try:
            present = _store(services, visitor, present, changes, password)
        except SlugTaken:
            fields.reject("username", "There is a user of this name already.")
    if fields.errors:
        return _page(services, visitor, present, values=changes, errors=fields.errors)
    is_new = not request.path.startswith("/user/edit/")
    return render.done(
        services,
        visitor,
        PATH,
        flash=f"{present.username} {'is added' if is_new else 'is saved'}.",
        json=user_object(services, present),
        status=201 if is_new else 200,
    )


def _parse(fields: forms.Fields, present: User) -> tuple[dict[str, Any], str]:
    username = fields.text("username", present.username, label="The name")
    problem = users.username_problem(username)
    if problem:
        fields.reject("username", problem)
    password = fields.typed("password")
    problem = passwords.problem(password, username) if password else ""
    if not password and not present.id:
        problem = "Type a first password; the user can change it."
    if problem:
        fields.reject("password", problem)
    changes = {
        "username": username,
        "role": fields.choice("role", users.ROLES, present.role, label="The role"),
        "enabled": fields.switch("enabled", present=present.enabled),
    }
    return changes, password


def _store(
    services: Services,
    visitor: Visitor,
    present: User,
    changes: Mapping[str, Any],
    password: str,
) -> User:
    rows = dict(changes)
    if password:
        # Slow on purpose, so outside the transaction.
        rows["password_hash"] = services.passwords.hash(password)
        rows["must_change_password"] = False
    user_id = present.id
    with services.transaction() as db:
        if user_id:
            users.update(db, user_id, **rows)
            if password:
                _end_sessions(db, visitor, user_id)
        else:
            user_id = users.insert(db, **rows)
    return services.snapshot.users[user_id]


def _end_sessions(db: Any, visitor: Visitor, user_id: int) -> None:
    own = visitor.user is not None and visitor.user.id == user_id
    keep = tokens.digest(visitor.session_id) if own and visitor.session_id else ""
    session_rows.delete_of_user(db, user_id, keep=keep)


def _get(services: Services, user_id: int) -> User:
    return users.get(services.database.connection(), user_id)


def _find(services: Services, user_id: str) -> User:
    if not user_id.isdecimal() or len(user_id) > 18:
        raise NotFound("there is no such user")
    return _get(services, int(user_id))


def _page(
    services: Services,
    visitor: Visitor,
    edited: User,
    *,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> HTTPResponse:
    if errors and render.wants_json():
        return render.invalid(services, visitor, "users", errors=errors)
    listed = users.list_all(services.database.connection())
    return render.page(
        services,
        visitor,
        "users",
        status=422 if errors else 200,
        json={"users": [user_object(services, user) for user in listed]},
        errors=dict(errors or {}),
        edited=edited,
        values=values,
        rows=[
            {
                "user": user,
                "locked_until": services.login_guard.locked_until(user.username),
                "failures": services.login_guard.failures(user.username),
            }
            for user in listed
        ],
        keys=personal_keys.of_user(services, edited.id) if edited.id else [],
        new_key=personal_keys.take_new(services, visitor) if edited.id else None,
    )


ROUTES = [
    Route("GET", PATH, list_users, access=ADMIN),
    Route("POST", "/user/new", add_user, access=ADMIN),
    Route("POST", "/user/edit/<user_id:int>", edit_user, access=ADMIN),
    Route("POST", "/user/delete/<user_id:int>", delete_user, access=ADMIN),
    Route("POST", "/user/unlock/<user_id:int>", unlock_user, access=ADMIN),
    Route("POST", "/user/keys/new/<user_id:int>", add_key, access=ADMIN),
    Route("POST", "/user/keys/revoke/<key_id:int>", revoke_key, access=ADMIN),
]
