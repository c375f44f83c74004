"""Aliases: one page with the table, the address of each, and the form."""

from __future__ import annotations

from typing import Any, Mapping

from bottle import HTTPResponse, request

from aiproxy import connect
from aiproxy.errors import NotFound, SlugTaken
from aiproxy.records import asdict
from aiproxy.services import Services
from aiproxy.store import aliases, names
from aiproxy.store.aliases import Alias
from aiproxy.web import forms, render
from aiproxy.web.routing import ADMIN, Route, Visitor

PATH = "/aliases"
PROMPTS = ("standard", "custom")

_EMPTY = Alias(id=0, alias="")


def show_aliases(services: Services, visitor: Visitor) -> HTTPResponse:
    """The table, and the form: empty, or with the alias that `edit` names."""
    edited = _EMPTY
    if visitor.is_admin and request.query.get("edit"):
        edited = _get(services, request.query.get("edit"))
    return render.page(
        services,
        visitor,
        "aliases",
        json={"aliases": _objects(services, visitor)},
        **_context(services, visitor, edited, asdict(edited)),
    )


def add_alias(services: Services, visitor: Visitor) -> HTTPResponse:
    """Make an alias."""
    return _save(services, visitor, _EMPTY)


def edit_alias(services: Services, visitor: Visitor, *, alias_id: int) -> HTTPResponse:
    """Change an alias; it answers under its new name at once."""
    return _save(services, visitor, _get(services, alias_id))


def delete_alias(
    services: Services, visitor: Visitor, *, alias_id: int
) -> HTTPResponse:
    """Delete an alias; clients that use it are told so from then on."""
    alias = _get(services, alias_id)
    with services.transaction() as db:
        aliases.delete(db, alias_id)
    flash = f"The alias {alias.alias} is deleted."
    return render.done(services, visitor, PATH, flash=flash)


def _save(services: Services, visitor: Visitor, present: Alias) -> HTTPResponse:
    fields = forms.read()
    changes = _parse(services, fields, present)
    if not fields.errors:
        try:
            with services.transaction() as db:
                if present.id:
                    aliases.update(db, present.id, **changes)
                else:
                    present = Alias(aliases.insert(db, **changes), changes["alias"])
        except SlugTaken:
            fields.reject("alias", f"There is an alias {changes['alias']} already.")
    if fields.errors:
        return render.invalid(
            services,
            visitor,
            "aliases",
            errors=fields.errors,
            **_context(services, visitor, present, changes),
        )
    saved = _get(services, present.id)
    return render.done(
        services,
        visitor,
        PATH,
        flash=_saved_words(services, saved),
        json=_object(services, visitor, saved),
        status=200 if request.path.startswith("/alias/edit/") else 201,
    )


def _parse(services: Services, fields: forms.Fields, present: Alias) -> dict[str, Any]:
    name = names.normalise(fields.text("alias", present.alias, label="The alias"))
    if not name:
        fields.reject("alias", "Type a name for the alias.")
    elif names.problem(name):
        fields.reject("alias", names.problem(name))
    provider_id = fields.number("provider_id", present.provider_id)
    if provider_id is not None and provider_id not in services.snapshot.providers:
        fields.reject("provider_id", "There is no such provider. Choose another.")
    return {
        "alias": name,
        "provider_id": provider_id,
        "prompt": fields.choice(
            "prompt", PROMPTS, present.prompt, label="The system prompt"
        ),
        "model": fields.text("model", present.model, label="The model"),
    }


def _saved_words(services: Services, alias: Alias) -> str:
    if services.snapshot.find_provider(alias.alias):
        return (
            f"The alias {alias.alias} is saved. It now answers in place of the"
            " provider of the same name."
        )
    return f"The alias {alias.alias} is saved and answers from now on."


def _get(services: Services, alias_id: Any) -> Alias:
    for alias in services.snapshot.aliases:
        if str(alias.id) == str(alias_id):
            return alias
    raise NotFound("there is no such alias")


def _objects(services: Services, visitor: Visitor) -> list[dict[str, Any]]:
    return [_object(services, visitor, alias) for alias in services.snapshot.aliases]


def _object(services: Services, visitor: Visitor, alias: Alias) -> dict[str, Any]:
    provider = services.snapshot.providers.get(alias.provider_id or 0)
    shown = {
        "alias": alias.alias,
        "provider": provider.slug if provider else "",
        "model": alias.model,
    }
    if not visitor.is_admin:
        return {**shown, "api_format": provider.api_format if provider else ""}
    return {
        **asdict(alias),
        **shown,
        "base_url": connect.client_base_url(visitor.base_url, alias.alias),
    }


def _context(
    services: Services, visitor: Visitor, edited: Alias, values: Mapping[str, Any]
) -> dict[str, Any]:
    snapshot = services.snapshot
    active = snapshot.active_provider
    rows = [
        {
            "alias": alias,
            "provider": snapshot.providers.get(alias.provider_id or 0),
            "base_url": connect.client_base_url(visitor.base_url, alias.alias),
        }
        for alias in services.snapshot.aliases
    ]
    follow = f"Whichever is active (now {active.name})" if active else "The active one"
    return {
        "active": active,
        "edited": edited,
        "providers": sorted(snapshot.providers.values(), key=lambda p: p.name.lower()),
        "follow_words": follow,
        "rows": rows,
        "values": values,
    }


ROUTES = [
    Route("GET", PATH, show_aliases),
    Route("POST", "/alias/new", add_alias, access=ADMIN),
    Route("POST", "/alias/edit/<alias_id:int>", edit_alias, access=ADMIN),
    Route("POST", "/alias/delete/<alias_id:int>", delete_alias, access=ADMIN),
]
