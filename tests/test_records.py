"""Our data classes behave like the standard's, in what they have of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from aiproxy import records


def declare(module: Any) -> tuple[Any, Any]:
    """The same two classes, made by the standard's module or by ours."""

    @module.dataclass(frozen=True)
    class Key:
        id: int
        digest: str = module.field(repr=False)
        note: str = module.field(default="", compare=False)
        tags: list[str] = module.field(default_factory=list)
        limits: dict[str, Any] = module.field(default_factory=dict, metadata={"a": 1})
        name: str = "new"

        @property
        def shown(self) -> str:
            return f"{self.id} {self.name}"

    @module.dataclass
    class Run:
        key: Any
        parts: tuple[Any, ...] = ()
        started: str = "no"

        def __post_init__(self) -> None:
            self.started = "yes"

    return Key, Run


BOTH = (declare(dataclasses), declare(records))


def same(ask: Any) -> Any:
    """What both kinds answer, which must be the same, exceptions included."""
    answers = []
    for kinds, module in zip(BOTH, (dataclasses, records)):
        try:
            answers.append(ask(module, *kinds))
        except Exception as exc:  # noqa: BLE001 - whatever the standard raises
            answers.append((type(exc).__mro__[-4:], str(exc).replace("declare.", "")))
    assert answers[0] == answers[1]
    return answers[0]


def test_what_is_not_to_be_shown_is_not() -> None:
    assert "hidden" not in same(lambda _, key, run: repr(run(key(1, "hidden"))))
    assert "sent" in same(lambda _, key, run: repr(key(1, "hidden", note="sent")))


def test_defaults_are_filled_in_and_never_shared() -> None:
    one, other = (BOTH[1][0](1, digest) for digest in "ab")
    one.tags.append("x")

    assert (one.tags, other.tags, one.name, one.shown) == (["x"], [], "new", "1 new")
    assert same(lambda _, key, run: run(1).started) == "yes"


@pytest.mark.parametrize(
    "arguments", [(), (1, 2, 3, 4, 5, 6, 7), (1,)], ids=["none", "many", "few"]
)
def test_wrong_arguments_are_told_by_name(arguments: tuple[Any, ...]) -> None:
    same(lambda _, key, run: key(*arguments))
    assert "'other'" in str(same(lambda _, key, run: key(1, "a", other=1)))


def test_equal_is_what_has_the_same_class_and_fields() -> None:
    assert same(lambda _, key, run: key(1, "a", note="x") == key(1, "a", note="y"))
    assert not same(lambda _, key, run: key(1, "a") == key(1, "b"))
    assert not same(lambda _, key, run: run(1) == (1, (), "yes"))
    assert not same(lambda _, key, run: run(1) == key(1, "a"))


def test_a_frozen_one_has_a_hash_and_another_has_none() -> None:
    flat = {"tags": (), "limits": ()}
    assert (
        same(lambda _, key, run: len({key(1, "a", **flat), key(1, "a", **flat)})) == 1
    )
    assert "unhashable" in str(same(lambda _, key, run: hash(run(1))))


def test_a_frozen_one_stays_as_it_is() -> None:
    key, run = BOTH[1]
    frozen = key(1, "a")

    with pytest.raises(AttributeError, match="Key is frozen: 'name' stays"):
        frozen.name = "b"
    with pytest.raises(AttributeError, match="Key is frozen: 'name' stays"):
        del frozen.name
    loose = run(1)
    loose.key = 2
    assert (frozen.name, loose.key) == ("new", 2)


def test_a_changed_copy_leaves_the_first_alone() -> None:
    def change(module: Any, key: Any, run: Any) -> Any:
        first = key(1, "a")
        return module.replace(first, name="b").name, first.name, first.digest

    assert same(change) == ("b", "new", "a")
    assert "'other'" in str(same(lambda m, key, run: m.replace(key(1, "a"), other=1)))


def test_as_a_dictionary_it_is_one_all_the_way_down() -> None:
    def as_dict(module: Any, key: Any, run: Any) -> Any:
        inner = key(1, "a", tags=["t"], limits={"of": key(2, "b")})
        found = module.asdict(run(inner, parts=(inner, [inner])))
        found["key"]["tags"].append("not in the record")
        return found, inner.tags

    assert same(as_dict)[1] == ["t"]


def test_fields_tell_what_was_declared() -> None:
    def told(module: Any, key: Any, run: Any) -> Any:
        found = module.fields(key)
        return [(f.name, f.repr, f.compare, dict(f.metadata)) for f in found]

    assert [name for name, *_ in same(told)][:2] == ["id", "digest"]
    assert [f.default for f in records.fields(BOTH[1][1])][1:] == [(), "no"]
