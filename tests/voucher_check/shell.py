"""Types `mirabelle voucher check` and reads what it says; and what the tests give it to judge."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mirabelle.cli import main
from mirabelle.rules import holder
from mirabelle.rules.trust import bundle_message, programme_id

VECTORS = Path(__file__).parents[1] / "data" / "frames.json"
GIVEN = json.loads(VECTORS.read_text("utf-8"))
CASES = {case["name"]: case for case in GIVEN["cases"]}
KEYS = [{"key_id": name, "public_key": key, "state": "current"} for name, key in GIVEN["base_context"]["keys"].items()]
KEYSET = {"expires_at": GIVEN["base_context"]["keyset_expires"], "keys": KEYS}
GOOD = CASES["accepted"]["frame"]
# What a keyset file and the words can say; the rest of a vector's context is for servers and tills that remember.
SAYABLE = {"now", "nonce", "keyset_expires"}


PROGRAMME = bytes(range(32))


def signed(**changes: Any) -> dict[str, Any]:
    """A trust bundle of store 7, signed by its programme."""
    key = holder.public_key(PROGRAMME)
    content = {
        "version": 3, "issued_at": "2026-09-20T00:00:00Z", "expires_at": "2026-10-01T00:00:00Z",
        "programme": programme_id(key), "store": 7, "groups": [1000], "store_names": {}, "keys": KEYS, "revoked": [],
        "epochs": {}, "blocked": [], "used": [], "caps": {"A": {"count": 1, "value_minor": None}},
        "hours_since_sync": 24, "undo_minutes": 5, "rewards": {},
    }  # fmt: skip
    bundle = json.dumps(content | changes)
    signature = holder.sign(PROGRAMME, bundle_message(bundle.encode()))
    return {"bundle": bundle, "signature": signature.hex(), "programme_key": key.hex()}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


class Shell:
    """Types commands in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._capsys = folder, capsys

    def check(self, *words: object) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(["voucher", "check", *map(str, words)])
        return Said(int(ended.value.code or 0), *self._capsys.readouterr())

    def file(self, content: Any, name: str = "given.json") -> Path:
        path = self._folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def explained(self, case: dict[str, Any], *more: object) -> Said:
        context = GIVEN["base_context"] | case["context"]
        keyset = self.file(KEYSET | {"expires_at": context["keyset_expires"]})
        groups = [word for group in context["groups"] for word in ("--group", group)]
        nonce = ["--nonce", context["nonce"]] if "nonce" in context else []
        asked = ("--at", context["now"], "--store", context["store"], "--keyset", keyset)
        return self.check(case["frame"], *asked, *groups, *nonce, *more)


def told(said: Said) -> tuple[dict[str, str], dict[str, str]]:
    """What a frame's explanation says of its fields, and of the checks and the verdict, by the names of the lines."""
    fields, checks = (
        {line[:18].strip(): line[19:] for line in part.splitlines()} for part in said.out.split("checked for")
    )
    return fields, checks


def is_one_line(said: Said) -> bool:
    assert (said.code, said.out) == (2, ""), said
    return said.err.startswith("mirabelle: ") and said.err.count("\n") == 1
