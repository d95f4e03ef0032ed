"""Flet 1.0.5 makes three hundred classes before its first page, each with a constructor, a description and a comparison
of its own, which Python compiles at every start: a third of the time to the first page. Here they share theirs."""

import dataclasses
import functools
import reprlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

_OWNER: Final = "flet"
_standard: Final = dataclasses.dataclass
_MISSING: Final = dataclasses.MISSING


def apply() -> None:
    """Have Flet's classes made so from now on, and no others; call it before anything of Flet is loaded."""
    if dataclasses.dataclass is not _standard:
        return
    dataclasses.dataclass = functools.wraps(_standard)(_dataclass)
    from flet.controls import value_types

    value_types._install_props = functools.wraps(value_types._install_props)(_install_props)


def _dataclass(kind: type | None = None, /, **options: Any) -> Any:
    def make(kind: type) -> type:
        if not kind.__module__.startswith(_OWNER) or not options.keys() <= {"kw_only"}:
            return _standard(kind, **options)
        return _made_light(kind, **options)

    return make if kind is None else make(kind)


def _made_light(kind: type, **options: Any) -> type:
    """What `dataclass` makes of a class, and of what it writes anew for each one only what says the same."""
    own = dict(vars(kind))
    calls_after = hasattr(kind, "__post_init__")
    _standard(kind, init=False, repr=False, eq=False, **options)
    if "__init__" not in own:
        kind.__init__ = _constructor(kind, _in_full(kind, own, options), calls_after=calls_after)
    if "__repr__" not in own:
        kind.__repr__ = _described
    if "__eq__" not in own:
        kind.__eq__ = _compared
        if "__hash__" not in own:
            kind.__hash__ = None
    return kind


class _Fields:
    """What the constructor of `kind` takes, by place or by name; what it makes or sets where that is not given; and
    what it only passes on."""

    def __init__(self, kind: type) -> None:
        every, own = kind.__dataclass_fields__, {field.name for field in dataclasses.fields(kind)}
        passed_on = [name for name, field in every.items() if field._field_type is dataclasses._FIELD_INITVAR]
        taken = [field for name, field in every.items() if field.init and (name in own or name in passed_on)]
        # Flet keeps of most fields only what is not the default: those need not be set to it.
        self.defaults = {name: default for name, default in vars(kind).get("_prop_defaults", {}).items() if name in own}
        self.passed_on = [(name, every[name].default) for name in passed_on]
        self.place = {name: place for place, name in enumerate(every)}.__getitem__
        self.taken = {field.name for field in taken}
        self.in_order = [field.name for field in taken if not field.kw_only]
        self.needed = {field.name for field in taken if _MISSING is field.default is field.default_factory}
        self.made = [
            (name, every[name].default_factory)
            for name in every
            if name in own and every[name].default_factory is not _MISSING
        ]
        self.set = [
            (field.name, field.default)
            for field in taken
            if field.name in own and field.name not in self.defaults and field.default is not _MISSING
        ]

    def by_name(self, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any] | None:
        """The arguments by their names; None where they are not what is taken."""
        if given:
            by_place = dict(zip(self.in_order, given, strict=False))
            if len(by_place) < len(given) or not by_place.keys().isdisjoint(named):
                return None
            named = {**named, **by_place}
        return named if self.needed <= named.keys() <= self.taken else None

    def fill(self, instance: Any, named: dict[str, Any]) -> None:
        """Set the fields of a new instance."""
        for name, make in self.made:
            if name not in named:
                setattr(instance, name, make())
        for name, default in self.set:
            if name not in named:
                setattr(instance, name, default)
        defaults, values = self.defaults, instance._values if self.defaults else {}
        for name in sorted(named, key=self.place) if len(named) > 1 else named:
            if name not in defaults:
                setattr(instance, name, named[name])
            elif named[name] != defaults[name]:
                values[name] = named[name]


def _constructor(kind: type, in_full: Callable[..., None], *, calls_after: bool) -> Callable[..., None]:
    fields: _Fields | None = None

    @functools.wraps(in_full)
    def construct(self: Any, *given: Any, **named: Any) -> None:
        nonlocal fields
        if fields is None:  # most classes never have an instance
            fields = _Fields(kind)
        by_name = fields.by_name(given, named)
        if by_name is None:
            return in_full(self, *given, **named)  # says what is wrong
        passed = [by_name.pop(name, default) for name, default in fields.passed_on]
        fields.fill(self, by_name)
        return self.__post_init__(*passed) if calls_after else None

    return construct


def _in_full(kind: type, own: dict[str, Any], options: dict[str, Any]) -> Callable[..., None]:
    """The constructor that a class of its own would have, made when it is first called."""
    made: list[Callable[..., None]] = []

    def __init__(self: Any, *given: Any, **named: Any) -> None:  # noqa: N807 - that is its name
        if not made:
            body = {name: value for name, value in own.items() if name not in ("__dict__", "__weakref__")}
            twin = type(kind)(kind.__name__, kind.__bases__, body | {"__qualname__": kind.__qualname__})
            made.append(_standard(twin, **options).__init__)
        made[0](self, *given, **named)

    return __init__


_TABLES: Final = ("_prop_defaults", "_root_defaults", "_override_props")


def _install_props(kind: type) -> None:
    """Flet's own goes through all bases for each of a hundred fields, though most are as the class below has them."""
    shown = [field for field in dataclasses.fields(kind) if not field.metadata.get("skip", False)]
    below = _as_below(kind, shown)
    tables = [
        {name: value for name, value in getattr(below[0], table).items() if name in below[1]} if below else {}
        for table in _TABLES
    ]
    known = below[1] if below else ()
    for field in shown:
        name = field.name
        if name not in known and not name.startswith("_") and field.init and field.default_factory is _MISSING:
            _note(kind, name, field.default, *tables)
    props = tables[0]
    events = (one.name for one in shown if one.name.startswith("on_") and one.metadata.get("event", True))
    kind._event_fields = frozenset(name for name in events if name in props)
    kind._structural_fields = frozenset(one.name for one in shown if one.name not in props)
    for attribute, table in zip(_TABLES, tables, strict=True):
        setattr(kind, attribute, {one.name: table[one.name] for one in shown if one.name in table})


def _as_below(kind: type, shown: list[Any]) -> tuple[type, set[str]] | None:
    """The one class below, where it has been looked through already, and the names of what is here as it is there."""
    below, own = kind.__bases__[0], vars(kind)
    if len(kind.__bases__) != 1 or "_prop_defaults" not in vars(below):
        return None
    there = below.__dataclass_fields__
    return below, {field.name for field in shown if there.get(field.name) is field and field.name not in own}


def _note(
    kind: type, name: str, default: Any, props: dict[str, Any], roots: dict[str, Any], overrides: dict[str, Any]
) -> None:
    Prop, unset = _flets()  # noqa: N806 - a class
    default = unset if default is _MISSING else default
    for below in kind.__bases__:
        if name in getattr(below, "__dataclass_fields__", ()):
            break
    else:  # its own, as most are
        setattr(kind, name, Prop(name, default))
        props[name] = roots[name] = default
        return
    prop = next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), None)
    if not isinstance(prop, Prop):
        prop = Prop(name, default)
        setattr(kind, name, prop)
    props[name], roots[name] = prop.default, _root_default(kind, name, unset)
    if prop.default is not unset and roots[name] is not unset and prop.default != roots[name]:
        overrides[name] = prop.default


@functools.cache
def _flets() -> tuple[Any, object]:
    from flet.controls.value_types import _UNSET, Prop

    return Prop, _UNSET


def _root_default(kind: type, name: str, unset: object) -> Any:
    for below in reversed(kind.__mro__):
        if name in getattr(below, "__dataclass_fields__", ()):
            default = below.__dataclass_fields__[name].default
            return unset if default is _MISSING else default
    return unset


@functools.cache
def _names(kind: type, what: str) -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if getattr(field, what)]


@reprlib.recursive_repr()
def _described(self: Any) -> str:
    told = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names(type(self), "repr"))
    return f"{type(self).__qualname__}({told})"


def _compared(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    names = _names(type(self), "compare")
    return not names or _values(type(self))(self) == _values(type(self))(other)


@functools.cache
def _values(kind: type) -> Callable[[Any], Any]:
    return attrgetter(*_names(kind, "compare"))
