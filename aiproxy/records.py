"""Data classes as far as this program has them, without what the standard's cost.

`dataclasses` writes and compiles five functions or more for each class and imports
`inspect`: together a quarter of the start. Here all classes share their functions, but
for `__init__`, which is compiled when the first object is made. To mypy they are the
standard's own. What nobody needs is missing: inheritance, order, slots, InitVar and
ClassVar, fields that `__init__` does not take.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Callable, Mapping, TypeVar

__all__ = ["asdict", "dataclass", "field", "fields", "replace"]

T = TypeVar("T")

_MISSING: Any = object()
_FIELDS = "__record_fields__"


class Field:
    """A field: its name, what it is when not given, and who looks at it."""

    __slots__ = ("compare", "default", "default_factory", "metadata", "name", "repr")

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        repr: bool = True,
        compare: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.repr = repr
        self.compare = compare
        self.metadata = metadata or {}


def _dataclass(cls: type[T] | None = None, *, frozen: bool = False) -> Any:
    if cls is None:
        return lambda decorated: _dataclass(decorated, frozen=frozen)
    found = tuple(_field_of(cls, name) for name in cls.__annotations__)
    compared = attrgetter(*(each.name for each in found if each.compare))
    given: dict[str, Any] = {"__record_compared__": compared, _FIELDS: found}
    given.update(__repr__=_repr, __eq__=_equals, __hash__=None)
    if frozen:
        given.update(__hash__=_hash, __setattr__=_refuse, __delattr__=_refuse)
    for name, value in given.items():
        setattr(cls, name, value)
    _make_init_late(cls)
    return cls


def _field_of(cls: type, name: str) -> Field:
    given = cls.__dict__.get(name, _MISSING)
    found = given if isinstance(given, Field) else Field(default=given)
    found.name = name
    if found.default is not _MISSING:
        setattr(cls, name, found.default)
    elif found is given:
        delattr(cls, name)
    return found


def _make_init_late(cls: Any) -> None:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        cls.__init__ = _compile_init(cls)
        cls.__init__(self, *args, **kwargs)

    cls.__init__ = __init__


def _compile_init(cls: Any) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": _MISSING}
    parameters, lines = ["self"], []
    store = "_set(self,'%s',%s)" if cls.__setattr__ is _refuse else "self.%s=%s"
    for each in _fields(cls):
        name = value = each.name
        if each.default_factory is not _MISSING:
            known[f"_make_{name}"] = each.default_factory
            parameters.append(f"{name}=_missing")
            value = f"_make_{name}() if {name} is _missing else {name}"
        elif each.default is not _MISSING:
            known[f"_default_{name}"] = each.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(store % (name, value))
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__({','.join(parameters)}):\n " + "\n ".join(lines)
    exec(source, known)  # noqa: S102 - names of our own classes' fields
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _repr(self: Any) -> str:
    shown = [each.name for each in _fields(self) if each.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({values})"


def _equals(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = self.__record_compared__
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(self.__record_compared__(self))


def _refuse(self: Any, name: str, value: object = None) -> None:
    raise AttributeError(f"{type(self).__qualname__} is frozen: {name!r} stays")


def _replace(record: T, **changes: Any) -> T:
    values = {each.name: getattr(record, each.name) for each in _fields(record)}
    return type(record)(**{**values, **changes})


def _fields(record: Any) -> tuple[Field, ...]:
    found: tuple[Field, ...] = getattr(record, _FIELDS)
    return found


def _asdict(record: Any) -> dict[str, Any]:
    return {each.name: _plain(getattr(record, each.name)) for each in _fields(record)}


def _plain(value: Any) -> Any:
    if hasattr(type(value), _FIELDS):
        return _asdict(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value


if TYPE_CHECKING:
    from dataclasses import asdict, dataclass, field, fields, replace
else:
    dataclass, field = _dataclass, Field
    asdict, fields, replace = _asdict, _fields, _replace
