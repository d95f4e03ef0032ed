"""Judges a file of vectors: frames with what a checker must answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mirabelle.rules import ed25519, voucher
from mirabelle.rules.frame import KEY_ID_BYTES, NONCE_BYTES, VOUCHER_BYTES, Frame
from mirabelle.rules.voucher import CheckContext, VoucherCode
from mirabelle.voucher_check.reading import (
    Unreadable,
    flag,
    instant,
    number,
    plain,
    raw,
    read_json,
    rows,
    table,
    whole,
    words,
)

_CONTEXT: Final = frozenset(
    {"keys", "keyset_expires", "now", "store", "groups", "revoked", "epochs", "used", "nonce", "online", "caps_left"}
)
_FIELDS: Final = frozenset(
    {
        *("dynamic", "flags", "key_id", "voucher", "reward", "scope", "lease_start", "lease_minutes", "epoch", "use"),
        *("value_class", "holder_key", "issuer_signature", "window", "holder_signature"),
    }
)
_NONE: Final = "-"  # what a field has of a frame that cannot be read


@dataclass(frozen=True, slots=True)
class Answer:
    """One case: what the file expects and what the rules say; `wrong_fields` are told as name, found and expected."""

    name: str
    expected: str
    got: str
    wrong_fields: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the rules say what the file expects."""
        return self.expected == self.got and not self.wrong_fields

    def line(self) -> str:
        """The case in one line, between tabs: name, expected, got; and after a difference that there is one."""
        told = "" if self.is_right else "\t" + "; ".join(("DIFFERENT", *self.wrong_fields))
        return f"{plain(self.name)}\t{self.expected}\t{self.got}{told}"


def judge(path: Path) -> list[Answer]:
    """Judge every case of the file, in its order; raises Unreadable before the first where any cannot be used."""
    where = plain(str(path))
    file = table(read_json(path), where)
    base = table(file.get("base_context", {}), f"{where}: base_context", _CONTEXT)
    cases = [
        _Case(given, f"{where}: cases[{at}]", base)
        for at, given in enumerate(rows(file.get("cases"), f"{where}: cases"))
    ]
    return [case.answer() for case in cases]


class _Case:
    """One case, read and found usable."""

    def __init__(self, given: Any, where: str, base: dict[str, Any]) -> None:
        case = table(given, where)
        self.name = words(case.get("name"), f"{where}.name")
        where = f"{where} {plain(self.name)!r}"
        self._text = words(case.get("frame"), f"{where}: frame")
        self._expected = words(case.get("expect"), f"{where}: expect")
        if self._expected not in list(VoucherCode):
            raise Unreadable(f"{where}: expect: not a known code")
        self._fields = table(case.get("fields", {}), f"{where}: fields", _FIELDS)
        own = table(case.get("context", {}), f"{where}: context", _CONTEXT)
        self._context = _context({**base, **own}, f"{where}: context")

    def answer(self) -> Answer:
        verdict = voucher.check(self._text, self._context)
        return Answer(self.name, self._expected, verdict.code.value, tuple(self._wrong_fields(verdict.frame)))

    def _wrong_fields(self, found: Frame | None) -> list[str]:
        wrong = []
        for name, expected in self._fields.items():
            value = getattr(found, name) if found is not None else _NONE
            value = value.hex() if isinstance(value, bytes) else value
            if value != expected or isinstance(value, bool) != isinstance(expected, bool):
                wrong.append(f"{name} {value}, not {plain(str(expected))}")
        return wrong


def _context(given: dict[str, Any], where: str) -> CheckContext:
    def at(name: str) -> str:
        return f"{where}.{name}"

    keys = table(given.get("keys"), at("keys"))
    epochs = table(given.get("epochs", {}), at("epochs"))
    caps = table(given.get("caps_left", {}), at("caps_left"))
    nonce = given.get("nonce")
    return CheckContext(
        keys={
            raw(name, at("keys"), KEY_ID_BYTES): raw(key, f"{at('keys')}.{plain(name)}", ed25519.PUBLIC_KEY_BYTES)
            for name, key in keys.items()
        },
        keyset_expires=instant(given.get("keyset_expires"), at("keyset_expires")),
        now=instant(given.get("now"), at("now")),
        store=whole(given.get("store"), at("store")),
        online=flag(given.get("online", True), at("online")),
        groups=frozenset(whole(group, at("groups")) for group in rows(given.get("groups", []), at("groups"))),
        revoked=frozenset(
            raw(name, at("revoked"), VOUCHER_BYTES) for name in rows(given.get("revoked", []), at("revoked"))
        ),
        epochs={
            raw(name, at("epochs"), VOUCHER_BYTES): whole(epoch, f"{at('epochs')}.{plain(name)}")
            for name, epoch in epochs.items()
        },
        used=frozenset(_use(use, at("used")) for use in rows(given.get("used", []), at("used"))),
        nonce=None if nonce is None else raw(nonce, at("nonce"), NONCE_BYTES),
        caps_left={
            whole(number(name), f"{at('caps_left')}.{plain(name)}", 255): whole(
                left, f"{at('caps_left')}.{plain(name)}"
            )
            for name, left in caps.items()
        },
    )


def _use(value: Any, where: str) -> tuple[bytes, int]:
    """A use as `voucher:number`."""
    name, _, use = words(value, where).partition(":")
    return raw(name, where, VOUCHER_BYTES), whole(number(use), where, 255)
