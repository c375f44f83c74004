"""The custom system prompt: its form, and a preview of what has not been saved yet."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

from bottle import HTTPResponse, request

from aiproxy import models
from aiproxy.protocol import prompt, token_count
from aiproxy.protocol.prompt import PromptConfig
from aiproxy.records import asdict
from aiproxy.services import Services
from aiproxy.store import prompts
from aiproxy.web import forms, render
from aiproxy.web.routing import ADMIN, Route, Visitor

PATH = "/prompt-config"
MAX_TEMPLATE = 512 * 1024
EXAMPLE_MODEL = "grok-4"

# Like what Claude Code sends, in few words: enough to see every placeholder filled.
EXAMPLE_SYSTEM = """\
You are Claude Code, Anthropic's official CLI for Claude.

You are an interactive agent that helps with software engineering. Use the tools that \
you have and keep answers short.

IMPORTANT: Assist with authorized security testing and defensive security only. Refuse \
requests for malicious use.

Here is useful information about the environment you are running in:
<env>
Working directory: /home/ada/engine
Is directory a git repo: Yes
Platform: linux
Today's date: 2025-11-25
</env>
You are powered by the model claude-sonnet-4-5.

# MCP Server Instructions

## notes
Search the notes before you answer questions about the project.
"""

PLACEHOLDERS = (
    ("{{ENV_INFO}}", "directory, platform, git state, date"),
    ("{{MODEL_INFO}}", "the model that answers"),
    ("{{MCP_INSTRUCTIONS}}", "what MCP servers say of themselves"),
    ("{{SYSTEM_NAME}}", "the name below"),
    ("{{CLIENT_PROMPT}}", "Claude Code's whole prompt"),
)


class Line(NamedTuple):
    """One line of the preview; `kind` is "", mark, ins or del."""

    text: str
    kind: str = ""


def show_prompt(services: Services, visitor: Visitor) -> HTTPResponse:
    """The form with what is saved, and its preview."""
    config = services.snapshot.prompt
    return render.page(
        services,
        visitor,
        "prompt",
        json=asdict(config),
        **_context(services, config, EXAMPLE_SYSTEM),
    )


def save_prompt(services: Services, visitor: Visitor) -> HTTPResponse:
    """Save the fields; they hold from the next request on."""
    fields = forms.read()
    config = _parse(fields, services.snapshot.prompt)
    if "restore_default" in fields and not fields.is_json:
        changed = {**asdict(config), "prompt_template": prompt.DEFAULT_TEMPLATE}
        config = PromptConfig(**changed)
    if fields.errors:
        return render.invalid(
            services,
            visitor,
            "prompt",
            errors=fields.errors,
            **_context(services, config, _client_text(fields)),
        )
    with services.transaction() as db:
        prompts.save(db, **asdict(config))
    return render.done(
        services,
        visitor,
        PATH,
        flash="The system prompt is saved and holds from the next request on.",
        json=asdict(services.snapshot.prompt),
    )


def preview_prompt(services: Services, visitor: Visitor) -> HTTPResponse:
    """What an upstream would get with these fields, saved or not."""
    fields = forms.read()
    config = _parse(fields, services.snapshot.prompt)
    system = _client_text(fields)
    if fields.errors:
        return render.invalid(
            services,
            visitor,
            "prompt",
            errors=fields.errors,
            **_context(services, config, system),
        )
    context = _context(services, config, system)
    if request.query.get("part") == "preview":
        return render.fragment(services, visitor, "prompt_preview", **context)
    return render.page(
        services, visitor, "prompt", json={"system": context["rendered"]}, **context
    )


def _parse(fields: forms.Fields, present: PromptConfig) -> PromptConfig:
    return PromptConfig(
        use_custom_prompt=fields.switch(
            "use_custom_prompt", present=present.use_custom_prompt
        ),
        prompt_template=fields.lines(
            "prompt_template",
            present.prompt_template,
            limit=MAX_TEMPLATE,
            label="The template",
        ),
        system_name=fields.text(
            "system_name", present.system_name, label="The assistant's name"
        ),
        model_name_override=fields.text(
            "model_name_override", present.model_name_override, label="The model's name"
        ),
        remove_ai_references=fields.switch(
            "remove_ai_references", present=present.remove_ai_references
        ),
        remove_defensive_restrictions=fields.switch(
            "remove_defensive_restrictions",
            present=present.remove_defensive_restrictions,
        ),
    )


def _client_text(fields: forms.Fields) -> str:
    text = fields.lines(
        "system", EXAMPLE_SYSTEM, limit=MAX_TEMPLATE, label="The client's prompt"
    )
    return text if text.strip() else EXAMPLE_SYSTEM


def _context(services: Services, config: PromptConfig, system: str) -> dict[str, Any]:
    active = services.snapshot.active_provider
    model = (models.main_model(active) if active else "") or EXAMPLE_MODEL
    rendered = prompt.render(system, config, model)
    return {
        "config": config,
        "custom_paths": [
            f"{provider.slug}-custom"
            for provider in services.snapshot.providers.values()
            if provider.enabled
        ],
        "default_template": prompt.DEFAULT_TEMPLATE,
        "differences": _differences(system, rendered),
        "example_system": EXAMPLE_SYSTEM,
        "model": model,
        "placeholders": PLACEHOLDERS,
        "preview_lines": _marked(config.prompt_template, rendered),
        "rendered": rendered,
        "system": system,
        "template_tokens": _tokens(config.prompt_template),
        "tokens": _tokens(rendered),
    }


def _marked(template: str, rendered: str) -> list[Line]:
    """The result's lines; those that the template does not hold were filled in."""
    known = set(template.splitlines())
    return [
        Line(text, "" if text in known or not text.strip() else "mark")
        for text in rendered.splitlines()
    ]


def _differences(before: str, after: str) -> list[Line]:
    """The client's own prompt beside what is sent, line by line."""
    # Quadratic in the worst case: a prompt of a few thousand lines is enough here.
    old, new = before.splitlines()[:2000], after.splitlines()[:2000]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=True)
    lines: list[Line] = []
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            lines += [Line(text) for text in old[old_start:old_end]]
            continue
        lines += [Line(text, "del") for text in old[old_start:old_end]]
        lines += [Line(text, "ins") for text in new[new_start:new_end]]
    return lines


def _tokens(text: str) -> int:
    return token_count.count({"system": text, "messages": []}) if text else 0


ROUTES = [
    Route("GET", PATH, show_prompt, access=ADMIN),
    Route("POST", PATH, save_prompt, access=ADMIN),
    Route("POST", PATH + "/preview", preview_prompt, access=ADMIN),
]
