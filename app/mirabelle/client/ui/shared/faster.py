"""What Flet 1.0.5 does slowly for every control, done quicker to the same end: browsers are sent the same bytes.

A control has thirty to ninety fields, of which a handful is given; Flet goes through all of them when it puts a control
into the page and when it takes it out again. What is replaced is kept as `__wrapped__`. See `light_classes` for how
controls are made.
"""

import dataclasses
import functools
import gc
import weakref
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from flet.controls import base_control
from flet.controls.base_control import BaseControl, ControlId
from flet.controls.object_patch import DiffBuilder, ObjectPatchException, _control_setattr
from flet.controls.value_types import Prop, _get_raw_descriptor
from flet.messaging import protocol
from flet.utils.validation import _REPORTED_VALIDATION_ERRORS_KEY, _compile_class_spec

# New objects until Python looks for rings of them that nobody reaches, and how many such looks until it looks further
# back: a page of controls is thousands at once, and Python's own 700 took as long as half of the drawing.
COLLECTED_AFTER: Final = (5_000, 10, 10)
_HOLDS_NOTHING: Final = frozenset({str, bytes, int, float, bool, type(None)})


def apply() -> None:
    """Puts all of it in place; safe to call more than once."""
    if hasattr(DiffBuilder._configure_dataclass, "__wrapped__"):
        return
    _replace(DiffBuilder, "_configure_dataclass", _configured)
    _replace(DiffBuilder, "_removed_controls", _removed)
    _replace(base_control, "validate", _validate)
    _replace(protocol, "_get_root_dataclass_field", functools.cache(protocol._get_root_dataclass_field))
    _replace(protocol, "is_dataclass", _is_dataclass)
    BaseControl.__post_init__.__code__ = _finish.__code__  # each kind of control has its own hold of the function
    gc.freeze()  # what is loaded by now stays: it is not looked through again and again
    gc.set_threshold(*COLLECTED_AFTER)


def _replace(owner: Any, name: str, by: Callable[..., Any]) -> None:
    setattr(owner, name, functools.wraps(getattr(owner, name))(by))


def _finish(self: BaseControl, ref: Any) -> None:
    """`BaseControl.__post_init__`, which gave the class the same hash again with each control: Python forgets then all
    that it has noted of the class so as to be quick."""
    if self.__class__.__hash__ is not BaseControl.__hash__:
        self.__class__.__hash__ = BaseControl.__hash__
    self._i = ControlId.next()
    if not hasattr(self, "_c") or self._c is None:
        name = f"{self.__class__.__module__}.{self.__class__.__qualname__}"
        raise ValueError(f"Control {name} must have @control decorator with type_name specified.")
    if ref is not None:
        ref.current = self
    self.init()
    self._dirty.clear()


@functools.cache
def _has_fields(kind: type) -> bool:
    return dataclasses.is_dataclass(kind)


def _is_dataclass(value: Any) -> bool:
    """`dataclasses.is_dataclass`, which looks through the bases of each value's class."""
    return _has_fields(value if isinstance(value, type) else type(value))


# Putting in and taking out


@functools.cache
def _looked_at(kind: type) -> tuple[dict[str, int], tuple[tuple[int, str], ...]]:
    """The places of the fields that hold something only where they were given it, and those that may hold something
    always."""
    places, always = {}, []
    for place, field in enumerate(dataclasses.fields(kind)):
        prop = _get_raw_descriptor(kind, field.name)
        if field.metadata.get("skip", False):
            continue
        if isinstance(prop, Prop) and not _may_hold(prop.default):
            places[field.name] = place
        else:
            always.append((place, field.name))
    return places, tuple(always)


def _may_hold(value: Any) -> bool:
    return isinstance(value, list | dict) or _is_dataclass(value)


def _held(item: Any) -> list[Any]:
    """What the fields of a control or a value hold, in their order, but for plain values."""
    places, always = _looked_at(type(item))
    held = [(place, getattr(item, name)) for place, name in always]
    values = getattr(item, "_values", None)
    if values:
        held += [(places[name], value) for name, value in values.items() if name in places]
        held.sort(key=itemgetter(0))
    return [value for _place, value in held if type(value) not in _HOLDS_NOTHING]


def _configured(
    builder: DiffBuilder, item: Any, parent: Any, frozen: bool, configure_setattr_only: bool = False
) -> list[Any]:
    """`DiffBuilder._configure_dataclass`."""
    found = list[Any]()
    _configure(builder, item, parent, frozen, configure_setattr_only, found)
    return found


def _configure(builder: DiffBuilder, item: Any, parent: Any, frozen: bool, just_once: bool, found: list[Any]) -> None:
    if isinstance(item, list | dict):
        for one in item.values() if isinstance(item, dict) else item:
            _configure(builder, one, parent, frozen, False, found)
        return
    if not _is_dataclass(item):
        return
    parent, frozen = _placed(builder, item, parent, frozen)
    is_control = isinstance(item, builder.control_cls)
    if is_control:
        if not just_once:
            item.build()
            item._before_update_safe()
            object.__setattr__(item, "_initialized", True)
        found.append(item)
    if not just_once:
        for one in _held(item):
            _configure(builder, one, item if is_control else parent, frozen, False, found)
    if not frozen:
        _begin_to_follow(item)


def _placed(builder: DiffBuilder, item: Any, parent: Any, frozen: bool) -> tuple[Any, bool]:
    """Tell a control or value where it is: below which control, and whether it is never changed."""
    if parent is None:
        known = getattr(item, "_parent", None)
        parent = known() if known else None
    if parent:
        if parent is item:
            raise ObjectPatchException(f"Parent is the same as item: {item}")
        item._parent = weakref.ref(parent)
    if hasattr(item, "_frozen"):
        frozen = item._frozen
    elif frozen:
        item._frozen = frozen
    kind = item.__class__
    if getattr(kind, "__flet_control_cls__", None) is None:
        kind.__flet_control_cls__ = builder.control_cls
    return parent, frozen


def _begin_to_follow(item: Any) -> None:
    """Begin to note what is changed."""
    changed = getattr(item, "_dirty", None)
    if changed is not None:
        changed.clear()
        return
    kind = type(item)
    if kind.__setattr__ is not _control_setattr:
        kind.__setattr__ = _control_setattr
    object.__setattr__(item, "__changes", {})


def _removed(builder: DiffBuilder, item: Any, recurse: bool) -> list[Any]:
    """`DiffBuilder._removed_controls`."""
    found = list[Any]()
    _remove(builder, item, recurse, found)
    return found


def _remove(builder: DiffBuilder, item: Any, recurse: bool, found: list[Any]) -> None:
    if isinstance(item, list | dict):
        for one in item.values() if isinstance(item, dict) else item:
            _remove(builder, one, recurse, found)
        return
    if not isinstance(item, builder.control_cls):
        return
    if hasattr(item, "__prev_lists"):
        for sent in ("__prev_lists", "__prev_dicts", "__prev_classes"):
            for one in getattr(item, sent, {}).values():
                _remove(builder, one, recurse, found)
    elif recurse:
        for one in _held(item):
            _remove(builder, one, recurse, found)
    found.append(item)


# Checking


def _validate(instance: Any, *, suppress_repeated_errors: bool = False) -> None:
    """`validate`, which made a set for the faults of each control before there was one."""
    rules = _compile_class_spec(instance.__class__)
    try:
        for name, rule in rules.field_rules:
            rule.validate(instance, name, getattr(instance, name))
        for rule in rules.class_rules:
            rule.validate(instance)
    except ValueError:
        return _validate.__wrapped__(instance, suppress_repeated_errors=suppress_repeated_errors)
    told = getattr(instance, _REPORTED_VALIDATION_ERRORS_KEY, None)
    if told and suppress_repeated_errors:
        told.clear()
    return None
