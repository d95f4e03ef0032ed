"""Flet's classes, made without a constructor of their own each, do what those with one do."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import InitVar, field
from typing import Any, ClassVar

import flet as ft
import pytest
from flet.controls import value_types

from mirabelle.client.ui.shared import light_classes

light_classes.apply()


def kinds(make: Callable[..., Any]) -> tuple[type, type]:
    """A class and one below it, with every sort of field that Flet's have, made into data classes by `make`."""

    @make
    class Below:
        __module__ = "flet.somewhere"
        first: int
        second: str = "two"
        made: list[int] = field(default_factory=list)
        counted: dict[str, int] = field(default_factory=dict, init=False, compare=False, repr=False)
        shared: ClassVar[int] = 3
        ref: InitVar[Any] = None

        def __post_init__(self, ref: Any) -> None:
            self.counted["after"] = 1 if ref is None else ref

    @make(kw_only=True)
    class Above(Below):
        """With a description of its own."""

        __module__ = "flet.somewhere"
        second: str = "other"
        last: float | None = None

        def __repr__(self) -> str:
            return "its own"

    return Below, Above


def outcome(call: Callable[[], Any]) -> Any:
    try:
        made = call()
    except TypeError as fault:
        return str(fault)
    return vars(made), repr(made).rpartition(".")[2], made == call(), made == 3, made.counted


ARGUMENTS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}), ((1,), {}), ((1, "b"), {}), ((1, "b", [3]), {}), ((1, "b", [3], 7), {}), ((1, "b", [3], 7, 8), {}),
    ((1,), {"first": 2}), ((), {"first": 2}), ((), {"first": 2, "made": [1]}), ((1,), {"nobody": 2}),
    ((1,), {"ref": 5}),
    ((1,), {"last": 2.5}), ((1,), {"counted": {}}), ((1,), {"second": "other"}), ((1,), {"shared": 4}),
]  # fmt: skip


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("given", "named"), ARGUMENTS)
def test_a_light_class_takes_and_keeps_what_a_full_one_does(
    which: int, given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    light, full = kinds(dataclasses.dataclass)[which], kinds(light_classes._standard)[which]
    assert hasattr(light.__init__, "__wrapped__") and not hasattr(full.__init__, "__wrapped__")
    assert outcome(lambda: light(*given, **named)) == outcome(lambda: full(*given, **named))
    assert (light.__hash__, light.__match_args__) == (full.__hash__, full.__match_args__)
    assert [each.name for each in dataclasses.fields(light)] == [each.name for each in dataclasses.fields(full)]


def test_only_flets_classes_are_light() -> None:
    @dataclasses.dataclass
    class Ours:
        number: int = 0

    assert Ours(3).number == 3 and not hasattr(Ours.__init__, "__wrapped__")


def test_a_control_keeps_only_what_differs_from_its_defaults() -> None:
    text = ft.Text("Bare", size=None, max_lines=2)
    assert text._values == {"value": "Bare", "max_lines": 2}
    assert dataclasses.replace(ft.Padding(1, 2, 3, 4), top=9) == ft.Padding(1, 9, 3, 4) != ft.Padding(1, 2, 3, 4)


def below(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


NOTED = ("_structural_fields", "_prop_defaults", "_event_fields", "_root_defaults", "_override_props")


def test_what_flet_notes_of_its_classes_is_what_it_noted_itself() -> None:
    seen = {ft.Page, ft.TextField, ft.NavigationRail, ft.DatePicker, ft.Theme, ft.CupertinoSlider, ft.ListTile}
    for kind in seen | set(below(ft.BaseControl)):
        if NOTED[0] in vars(kind):
            noted = [(name, getattr(kind, name)) for name in NOTED]
            value_types._install_props.__wrapped__(kind)
            assert noted == [(name, getattr(kind, name)) for name in NOTED]
            assert list(kind._prop_defaults) == list(dict(noted)["_prop_defaults"])
