"""The real backend for tests: a server in a thread with a database of its own, and people who use its API."""

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY
from mirabelle.rules import frame, holder
from mirabelle.server.hosting import Hosting, Server, Settings, WebApp, demo_programme
from mirabelle.server.services.context import Clock, system_clock
from mirabelle.server.services.pass_keys import PassKeys
from mirabelle.server.services.programme_file import ProgrammeDocument
from mirabelle.server.services.sealing import MasterKey
from mirabelle.server.services.signing import Signer
from tests.prepared import lay_database


def new_key() -> str:
    """An idempotency key."""
    return secrets.token_hex(8)


class Person:
    """Somebody who calls the API: a participant, staff, or nobody yet."""

    def __init__(self, url: str) -> None:
        self.seed = secrets.token_bytes(32)
        self.address = ".".join(["10", *(str(part) for part in secrets.token_bytes(3))])
        self.session: dict[str, Any] = {}
        # No certificates are read: it takes longer than most tests, and nothing here is encrypted.
        self.http = httpx.Client(base_url=url + API_PREFIX, timeout=30, verify=False)

    @property
    def device_key(self) -> str:
        return holder.public_key(self.seed).hex()

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Read `path` as this person."""
        return self.http.get(path, params=query or None, headers=self._headers())

    def post(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """Write to `path` as this person, under `key` or a new one."""
        return self.http.post(path, json=body, headers={**self._headers(), IDEMPOTENCY_KEY: key or new_key()})

    def _headers(self) -> dict[str, str]:
        # As a proxy on the server's machine says it, so that each person comes from somewhere else.
        headers, token = {"X-Forwarded-For": self.address}, self.session.get("access_token")
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers

    def demo(self, role: str, language: str = "en") -> "Person":
        """Become a new demo participant or till."""
        answer = self.post("/demo/sessions", {"role": role, "language": language, "device_key": self.device_key})
        assert answer.status_code == 201, answer.text
        self.session = answer.json()
        return self

    def go_on_as(self, before: "Person") -> "Person":
        """Go on with the session of `before`, on the same device."""
        self.seed, token = before.seed, before.session["refresh_token"]
        proof = holder.sign(self.seed, b"MV1 refresh\0" + token.encode()).hex()
        answer = self.post("/sign-in/refreshes", {"refresh_token": token, "proof": proof})
        assert answer.status_code == 201, answer.text
        self.session = answer.json()
        return self

    def redemption_request(self, reward: str, points: int, key: str, **details: str) -> dict[str, Any]:
        """What redeeming `reward` under `key` says."""
        holder_key = holder.public_key(holder.derive_holder_key(self.seed, key.encode())).hex()
        return {"reward": reward, "points": points, "holder_key": holder_key, "details": details}

    def redeem(self, reward: str, points: int, key: str | None = None, **details: str) -> httpx.Response:
        """Redeem `reward` for `points`."""
        key = key or new_key()
        return self.post("/redemptions", self.redemption_request(reward, points, key, **details), key)

    def show(self, voucher: dict[str, Any], now: int) -> str:
        """The frame of `voucher` at `now`, unix seconds, as this person's device shows it."""
        private = holder.derive_holder_key(self.seed, voucher["key_salt"].encode())
        return frame.show(bytes.fromhex(voucher["issued"]), now, lambda message: holder.sign(private, message))

    def available(self) -> int:
        """The balance."""
        return int(self.get("/wallet").json()["available"])


@dataclass
class Backend(AbstractContextManager["Backend"]):
    """A running server. `database_url` "" is SQLite in `data`."""

    data: Path
    demo: bool = True
    database_url: str = ""
    programme: ProgrammeDocument | None = None
    clock: Clock = system_clock
    smtp: str = ""
    master_key: str = field(default="", repr=False)
    issuer: Signer | None = None
    passes: PassKeys = field(default_factory=PassKeys, repr=False)
    web_app: WebApp | None = None
    port: int = 0
    url: str = ""
    _server: Server | None = field(default=None, repr=False)
    _people: list[Person] = field(default_factory=list, repr=False)

    def __enter__(self) -> "Backend":
        programme = self.programme or (demo_programme() if self.demo else None)
        if programme is not None:
            lay_database(self.data, self.database_url, programme)
        hosting = Hosting(
            settings=Settings(
                self.data,
                demo=self.demo,
                smtp=self.smtp,
                clock=self.clock,
                master_key=MasterKey(bytes.fromhex(self.master_key)) if self.master_key else None,
                issuer=self.issuer,
                passes=self.passes,
            ),
            port=self.port,
            database_url=self.database_url,
            programme=programme,
            web_app=self.web_app,
        )
        self._server = Server(hosting).start()
        self.url = self._server.url
        return self

    def __exit__(self, *_fault: object) -> None:
        assert self._server is not None
        for person in self._people:
            person.http.close()
        self._server.stop()

    def somebody(self) -> Person:
        """Nobody in particular yet."""
        person = Person(self.url)
        self._people.append(person)
        return person

    def participant(self) -> Person:
        """A new demo participant."""
        return self.somebody().demo("participant")

    def till(self) -> Person:
        """A new demo till, at the programme's first store."""
        return self.somebody().demo("staff")
