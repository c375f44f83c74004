"""Providers: the list, the wizard that is also the edit page, and the Test button."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from bottle import HTTPResponse, request

from aiproxy.errors import SlugTaken
from aiproxy.protocol import presets
from aiproxy.protocol.presets import Preset
from aiproxy.records import dataclass, replace
from aiproxy.security import credentials
from aiproxy.services import Services
from aiproxy.store import providers, statistics
from aiproxy.store.providers import Provider
from aiproxy.web import forms, provider_state, provider_test, render
from aiproxy.web.admin import provider_form, provider_page
from aiproxy.web.admin.provider_form import ProviderForm
from aiproxy.web.admin.provider_secrets import NOTHING_KEPT
from aiproxy.web.provider_state import State
from aiproxy.web.render import Flash
from aiproxy.web.routing import ADMIN, Route, Visitor

PATH = "/providers"

_FORM_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NEW = Provider(id=0, name="", slug="", endpoint="")


class Row(NamedTuple):
    """One line of the list."""

    provider: Provider
    state: State

    @property
    def key(self) -> str:
        return credentials.mask(self.provider.api_key)


def list_providers(services: Services, visitor: Visitor) -> HTTPResponse:
    """The table; a member sees names, formats and models."""
    listed = list(services.snapshot.providers.values())
    streaks = statistics.streaks(
        services.database.connection(), [provider.slug for provider in listed]
    )
    rows = [
        Row(provider, provider_state.state_of(provider, streaks.get(provider.slug)))
        for provider in listed
    ]
    # The active one first; whom nobody has given a key yet last.
    rows.sort(key=lambda row: (not row.provider.active, row.state.needs_key))
    return render.page(
        services,
        visitor,
        "providers",
        json={"providers": [provider_page.provider_object(p, visitor) for p in listed]},
        rows=rows,
    )


def new_provider(services: Services, visitor: Visitor) -> HTTPResponse:
    """The empty wizard, with a preset's address where one is chosen."""
    preset = presets.find(request.query.get("preset", ""))
    fresh = _NEW
    if preset is not None:
        fresh = replace(
            _NEW,
            name="" if preset is presets.OTHER else preset.name,
            endpoint=preset.endpoint,
            api_format=preset.api_format,
        )
    return render.page(
        services,
        visitor,
        "provider",
        json=provider_page.provider_object(fresh, visitor),
        **provider_page.form_context(
            services, visitor, _NEW, provider_form.shown(fresh), preset=preset
        ),
    )


def create_provider(services: Services, visitor: Visitor) -> HTTPResponse:
    """Save a new provider; the first one with a key becomes the active one."""
    return _save(services, visitor, _NEW)


def show_provider(
    services: Services, visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """The same page with what is stored."""
    provider = _get(services, provider_id)
    return render.page(
        services,
        visitor,
        "provider",
        json=provider_page.provider_object(provider, visitor),
        **provider_page.form_context(
            services, visitor, provider, provider_form.shown(provider)
        ),
    )


def edit_provider(
    services: Services, visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """Save changes; they hold from the next request on."""
    return _save(services, visitor, _get(services, provider_id))


def delete_provider(
    services: Services, visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """Delete a provider with its aliases."""
    provider = _get(services, provider_id)
    with services.transaction() as db:
        providers.delete(db, provider_id)
    services.lessons.forget(provider_id)
    flash = Flash(f"{provider.name} is deleted.")
    if provider.active:
        flash = Flash(
            f"{provider.name} is deleted. No provider is active now: activate another.",
            kind="warn",
        )
    return render.done(services, visitor, PATH, flash=flash)


def activate_provider(
    services: Services, visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """Let a provider answer where no alias names one."""
    _get(services, provider_id)
    with services.transaction() as db:
        providers.activate(db, provider_id)
    provider = _get(services, provider_id)
    flash = Flash(f"{provider.name} is the active provider now.")
    if not provider.enabled:
        flash = Flash(f"{provider.name} is active, but off: turn it on.", kind="warn")
    elif provider_state.lacks_key(provider):
        flash = Flash(f"{provider.name} is active, but has no key yet.", kind="warn")
    return render.done(
        services,
        visitor,
        PATH,
        flash=flash,
        json=provider_page.provider_object(provider, visitor),
    )


def test_stored(
    services: Services, visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """Test a provider as it is stored, and remember the verdict."""
    provider = _get(services, provider_id)
    result = provider_test.run_and_record(services, provider)
    kind = "ok" if result.ok else "err"
    flash = Flash(
        f"{provider.name}: {result.message}",
        kind=kind,
        link="" if result.ok else f"/provider/edit/{provider.id}",
        link_text="Edit it",
    )
    return render.done(services, visitor, PATH, flash=flash, json=result.as_json())


def test_unsaved(services: Services, visitor: Visitor) -> HTTPResponse:
    """Test what stands in the form; nothing is saved but the verdict of no change."""
    fields = forms.read()
    present = _NEW
    present_id = fields.number("id")
    if present_id:
        present = _get(services, present_id)
    sent = _parse(services, visitor, fields, present, for_test=True)
    if sent.form.errors:
        return _show_again(services, visitor, present, sent)
    _keep(services, visitor, sent)
    result = provider_test.run(services, replace(present, **sent.form.values))
    if _is_as_stored(present, sent.form):
        provider_test.record(services, present, result)
    return render.page(
        services,
        visitor,
        "provider",
        json=result.as_json(),
        **_context(
            services,
            visitor,
            present,
            sent,
            verdict=result,
            activate="activate" in fields,
        ),
    )


def list_models(
    services: Services, _visitor: Visitor, *, provider_id: int
) -> HTTPResponse:
    """The ids that the provider itself lists, for the fields of the form."""
    provider = _get(services, provider_id)
    found = provider_test.list_models(services, provider)
    return render.answer_json({"models": found})


def _save(services: Services, visitor: Visitor, present: Provider) -> HTTPResponse:
    fields = forms.read()
    sent = _parse(services, visitor, fields, present)
    form = sent.form
    saved_id = present.id
    if not form.errors:
        try:
            with services.transaction() as db:
                if present.id:
                    providers.update(db, present.id, **form.values)
                else:
                    saved_id = providers.insert(db, **form.values)
                if fields.switch("activate", present=False):
                    providers.activate(db, saved_id)
        except SlugTaken as exc:
            fields.reject("slug", f"The path {exc.slug} is taken. Choose another.")
            sent = replace(sent, form=replace(form, errors=fields.errors))
    if sent.form.errors:
        return _show_again(services, visitor, present, sent)
    services.session_memory.take(visitor.session_id, sent.memory_name)
    services.lessons.forget(saved_id)
    saved = _get(services, saved_id)
    return render.done(
        services,
        visitor,
        PATH,
        flash=_saved_words(saved, present, form),
        json=provider_page.provider_object(saved, visitor),
        status=200 if present.id else 201,
    )


def _saved_words(saved: Provider, before: Provider, form: ProviderForm) -> Flash:
    if form.warnings:
        return Flash(f"{saved.name} is saved. {form.warnings[0]}", kind="warn")
    if saved.active and not before.active:
        return Flash(f"{saved.name} is saved and is the active provider now.")
    return Flash(f"{saved.name} is saved and in effect.")


@dataclass(frozen=True)
class _Sent:
    """A form that was sent, and where its typed secrets wait if it is shown again."""

    form: ProviderForm
    form_id: str
    memory_name: str
    preset: Preset | None  # the card that was chosen


def _parse(
    services: Services,
    visitor: Visitor,
    fields: forms.Fields,
    present: Provider,
    *,
    for_test: bool = False,
) -> _Sent:
    # The address that a test found to work, taken over by its button.
    if fields.typed("suggested_endpoint"):
        fields.replace("endpoint", fields.typed("suggested_endpoint"))
    form_id = fields.typed("form_id")
    if not _FORM_ID.fullmatch(form_id):
        form_id = provider_page.new_form_id()
    memory_name = f"provider:{present.id}:{form_id}"
    kept = services.session_memory.find(visitor.session_id, memory_name)
    form = provider_form.parse(
        fields,
        present,
        services.snapshot.providers.values(),
        kept=kept or NOTHING_KEPT,
        for_test=for_test,
    )
    return _Sent(form, form_id, memory_name, presets.find(fields.typed("preset")))


def _show_again(
    services: Services, visitor: Visitor, present: Provider, sent: _Sent
) -> HTTPResponse:
    _keep(services, visitor, sent)
    return render.invalid(
        services,
        visitor,
        "provider",
        errors=sent.form.errors,
        **_context(services, visitor, present, sent),
    )


def _keep(services: Services, visitor: Visitor, sent: _Sent) -> None:
    if not {"api_key", "custom_headers"} & set(sent.form.errors):
        services.session_memory.put(
            visitor.session_id, sent.memory_name, sent.form.kept
        )


def _context(
    services: Services,
    visitor: Visitor,
    present: Provider,
    sent: _Sent,
    **more: Any,
) -> dict[str, Any]:
    return provider_page.form_context(
        services,
        visitor,
        present,
        sent.form.typed,
        kept=sent.form.kept,
        form_id=sent.form_id,
        preset=sent.preset,
        **more,
    )


def _get(services: Services, provider_id: int) -> Provider:
    return providers.get(services.database.connection(), provider_id)


def _is_as_stored(present: Provider, form: ProviderForm) -> bool:
    return bool(present.id) and all(
        getattr(present, name) == value for name, value in form.values.items()
    )


ROUTES = [
    Route("GET", PATH, list_providers),
    Route("GET", "/provider/new", new_provider, access=ADMIN),
    Route("POST", "/provider/new", create_provider, access=ADMIN),
    Route("GET", "/provider/edit/<provider_id:int>", show_provider, access=ADMIN),
    Route("POST", "/provider/edit/<provider_id:int>", edit_provider, access=ADMIN),
    Route("POST", "/provider/delete/<provider_id:int>", delete_provider, access=ADMIN),
    Route(
        "POST", "/provider/activate/<provider_id:int>", activate_provider, access=ADMIN
    ),
    Route("POST", "/provider/test/<provider_id:int>", test_stored, access=ADMIN),
    Route("POST", "/provider/test", test_unsaved, access=ADMIN),
    Route("GET", "/provider/models/<provider_id:int>", list_models, access=ADMIN),
]
