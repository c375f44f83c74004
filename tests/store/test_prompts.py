"""The system prompt's settings: saved field by field, the default template never."""

from aiproxy.protocol.prompt import DEFAULT_TEMPLATE, PromptConfig
from aiproxy.store import prompts


def test_nothing_saved_means_the_defaults(db):
    assert prompts.load(db) == PromptConfig()


def test_saved_fields_read_back_equal(db):
    saved = PromptConfig(
        use_custom_prompt=True,
        prompt_template="Be {{MODEL}}.",
        system_name="Helper",
        model_name_override="grok",
        remove_ai_references=True,
        remove_defensive_restrictions=True,
    )

    prompts.save(db, **vars(saved))

    assert prompts.load(db) == saved


def test_a_change_of_one_field_keeps_the_others(db):
    prompts.save(db, system_name="Helper", prompt_template="T")

    prompts.save(db, use_custom_prompt=True)

    assert prompts.load(db).system_name == "Helper"
    assert prompts.load(db).prompt_template == "T"


def test_the_default_template_is_not_stored_so_that_it_follows_the_program(db):
    prompts.save(db, prompt_template="T")
    prompts.save(db, prompt_template=DEFAULT_TEMPLATE)

    assert db.execute("SELECT prompt_template FROM prompts").fetchone()[0] is None
    assert prompts.load(db).prompt_template == DEFAULT_TEMPLATE


def test_an_empty_template_stays_empty(db):
    prompts.save(db, prompt_template="")

    assert prompts.load(db).prompt_template == ""
