"""One client process of the torture: participants who redeem, tills that scan, and readers who watch.

It keeps a small book of what it was answered, and at the end holds the servers to it.
"""

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from mirabelle.rules import frame, holder
from tests.torture.line import Line, Reply

TEA, TEA_POINTS = "tea", 5
GIFT, GIFT_POINTS = "gift", 4  # whose points are held until it is used
SCARCE, SCARCE_POINTS = "scarce", 7
DEAR, DEAR_POINTS = "dear", 1500
BANKS = ("first@bank.example", "second@bank.example")  # to whom all give points
TILLS_AT_ONCE = 3
GIVING_SHARE = 0.3
CANCELLED_SHARE = 0.3
SCARCE_EVERY = 10  # redemptions of each person: no dice, so that it surely runs out
GREEDY_TRIES = 8
TOKENS_TRIED = 3
PAUSE_SECONDS = 0.02  # between two looks at balances


@dataclass(frozen=True)
class Part:
    """What one client process does: `vouchers` redemptions by each of its participants."""

    seed: str
    ports: list[int]
    participants: int
    vouchers: int


@dataclass
class Told:
    """What a client process has to say at the end."""

    counts: dict[str, int]
    wrong: list[str]
    used: dict[str, str] = field(default_factory=dict)
    scarce: int = 0
    given: Counter[str] = field(default_factory=Counter)


@dataclass
class Somebody:
    """A participant or a till, with what it was answered so far."""

    name: str
    seed: bytes
    session: dict[str, Any] = field(default_factory=dict)
    at_first: int = 0
    spent: int = 0
    kept: dict[str, str] = field(default_factory=dict)  # redemption -> its state as it was answered last
    used: dict[str, str] = field(default_factory=dict)  # voucher -> the till that was told "accepted"
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def token(self) -> str:
        return str(self.session.get("access_token", ""))


class Crowd:
    """The people of one client process."""

    def __init__(self, part: Part, progress: Any) -> None:
        self._part, self._progress = part, progress
        self._dice = random.Random(part.seed)
        self._line = Line(part.ports, random.Random(f"{part.seed} line"))
        self._keys = 0
        self._given: Counter[str] = Counter()

    async def live(self) -> list[Somebody]:
        """Do everything once, while the servers come and go."""
        people = [await self._join("participant", number) for number in range(self._part.participants)]
        tills = [await self._join("staff", number) for number in range(TILLS_AT_ONCE)]
        for person in people:
            person.at_first = (await self._ask(person, "/wallet")).json["available"]
        watching = asyncio.create_task(self._watch(people))
        await asyncio.gather(*(self._redeem_and_use(person, tills) for person in people))
        await asyncio.gather(*(self._want_too_much(person) for person in people))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return people

    async def check(self, people: list[Somebody]) -> Told:
        """Hold the servers to what they answered."""
        for person in people:
            await self._check(person)
        self._line.close()
        used = {voucher: till for person in people for voucher, till in person.used.items()}
        scarce = self._line.counts.pop(SCARCE, 0)
        return Told(dict(self._line.counts), self._line.wrong, used, scarce, self._given)

    def _key(self) -> str:
        self._keys += 1
        return hashlib.sha256(f"{self._part.seed} {self._keys}".encode()).hexdigest()[:24]

    async def _join(self, role: str, number: int) -> Somebody:
        seed = hashlib.sha256(f"{self._part.seed} {role} {number}".encode()).digest()
        somebody = Somebody(f"{role} {number} of {self._part.seed}", seed)
        ask = {"role": role, "language": "en", "device_key": holder.public_key(seed).hex()}
        somebody.session = (await self._line.post("/demo/sessions", "", ask, self._key(), kept=False)).json
        return somebody

    async def _ask(self, who: Somebody, path: str, body: Any = None, key: str = "") -> Reply:
        """Ask as `who`, whose access token may be over by now; a write has a key, counts as an attempt."""
        for _ in range(TOKENS_TRIED):
            token = who.token
            reply = await (self._line.post(path, token, body, key) if key else self._line.get(path, token))
            if reply.status != 401:
                break
            async with who.renewing:
                if who.token == token:
                    await self._renew(who)
        assert reply.status != 401, f"{who.name} renewed the session and is still refused: {reply}"
        if key:
            self._line.counts["attempts"] += 1
            with self._progress.get_lock():
                self._progress.value += 1
        return reply

    async def _renew(self, who: Somebody) -> None:
        token = who.session["refresh_token"]
        proof = holder.sign(who.seed, b"MV1 refresh\0" + token.encode()).hex()
        ask = {"refresh_token": token, "proof": proof}
        reply = await self._line.post("/sign-in/refreshes", "", ask, self._key(), kept=False)
        assert reply.status == 201, f"{who.name} is signed out: {reply}"
        who.session = reply.json

    async def _redeem(self, person: Somebody, reward: str, points: int) -> dict[str, Any] | None:
        key = self._key()
        holder_key = holder.public_key(holder.derive_holder_key(person.seed, key.encode())).hex()
        body = {"reward": reward, "points": points, "holder_key": holder_key}
        reply = await self._ask(person, "/redemptions", body, key)
        told: dict[str, Any] = reply.json
        if reply.status != 201:
            self._line.counts[told["code"]] += 1
            return None
        self._line.counts["redeemed"] += 1
        self._line.counts[SCARCE] += reward == SCARCE
        person.kept[told["id"]] = told["state"]
        person.spent += points
        return told

    async def _redeem_and_use(self, person: Somebody, tills: list[Somebody]) -> None:
        for number in range(self._part.vouchers):
            scarce = number % SCARCE_EVERY == SCARCE_EVERY // 2
            plenty = self._dice.choice([(TEA, TEA_POINTS), (GIFT, GIFT_POINTS)])
            redeemed = await self._redeem(person, *((SCARCE, SCARCE_POINTS) if scarce else plenty))
            if redeemed is not None:
                await self._use(person, tills, redeemed, cancels=not scarce and self._dice.random() < CANCELLED_SHARE)

    async def _use(self, person: Somebody, tills: list[Somebody], redeemed: dict[str, Any], *, cancels: bool) -> None:
        """Several tills at once are shown the same code; the holder may cancel or give; then one scans again."""
        work: list[Coroutine[Any, Any, Any]] = [self._scan(person, till, redeemed["voucher"]) for till in tills]
        work += [self._cancel(person, redeemed)] if cancels else []
        work += [self._give(person)] if self._dice.random() < GIVING_SHARE else []
        await asyncio.gather(*work)
        if await self._scan(person, tills[0], redeemed["voucher"]):
            self._line.counts["accepted late"] += 1

    async def _scan(self, person: Somebody, till: Somebody, voucher: dict[str, Any]) -> bool:
        private = holder.derive_holder_key(person.seed, voucher["key_salt"].encode())
        shown = frame.show(bytes.fromhex(voucher["issued"]), int(time.time()), lambda it: holder.sign(private, it))
        told = (await self._ask(till, "/scans", {"frame": shown}, self._key())).json
        self._line.counts[told["verdict"]] += 1
        if told["verdict"] != "accepted":
            return False
        if voucher["id"] in person.used:
            self._line.wrong.append(f"{voucher['id']} was accepted twice")
        person.used[voucher["id"]] = till.session["subject"]
        return True

    async def _cancel(self, person: Somebody, redeemed: dict[str, Any]) -> None:
        reply = await self._ask(person, f"/redemptions/{redeemed['id']}/cancellations", None, self._key())
        if reply.status == 201:
            self._line.counts["cancelled"] += 1
            person.kept[redeemed["id"]] = reply.json["state"]
            person.spent -= redeemed["points"]
        else:
            self._line.counts[reply.json["code"]] += 1

    async def _give(self, person: Somebody) -> None:
        bank, points = self._dice.choice(BANKS), self._dice.randrange(1, 4)
        reply = await self._ask(person, "/transfers", {"recipient": bank, "points": points}, self._key())
        if reply.status == 201:
            self._line.counts["given"] += 1
            self._given[bank] += points
            person.spent += points
        else:
            self._line.wrong.append(f"{person.name} could not give: {reply.body!r}")

    async def _want_too_much(self, person: Somebody) -> None:
        """Many at once for what the balance can pay a few times."""
        can_pay = (person.at_first - person.spent) // DEAR_POINTS
        got = await asyncio.gather(*(self._redeem(person, DEAR, DEAR_POINTS) for _ in range(GREEDY_TRIES)))
        had = sum(one is not None for one in got)
        if had != min(can_pay, GREEDY_TRIES):
            self._line.wrong.append(f"{person.name} could pay {can_pay} times and paid {had}")

    async def _watch(self, people: list[Somebody]) -> None:
        while True:
            for person in people:
                self._read((await self._ask(person, "/wallet")).json, person)
                await asyncio.sleep(PAUSE_SECONDS)

    def _read(self, wallet: dict[str, Any], person: Somebody) -> None:
        self._line.counts["balances read"] += 1
        in_lots = sum(lot["remaining"] for lot in wallet["lots"])
        if min(wallet["available"], wallet["held"], wallet["pending"]) < 0:
            self._line.wrong.append(f"{person.name} read a negative balance")
        if in_lots != wallet["available"] + wallet["pending"]:
            self._line.wrong.append(f"{person.name} read {in_lots} in lots and {wallet['available']} available")

    async def _check(self, person: Somebody) -> None:
        wallet = (await self._ask(person, "/wallet")).json
        if wallet["available"] != person.at_first - person.spent:
            self._line.wrong.append(f"{person.name} has {wallet['available']}, not {person.at_first - person.spent}")
        found = {one["id"]: one for one in (await self._ask(person, "/redemptions")).json["redemptions"]}
        if person.kept.keys() != found.keys() - self._before(found):
            self._line.wrong.append(f"{person.name} has other redemptions than were answered")
        for id_, state in person.kept.items():
            one = found.get(id_)
            if one is None or (state == "released") != (one["state"] == "released"):
                self._line.wrong.append(f"{person.name}: {id_} was answered {state} and is {one and one['state']}")
        vouchers = [one["voucher"] for one in found.values() if one["voucher"]]
        uses = {one["id"]: one["use"]["till"] for one in vouchers if one["use"]}
        if uses != person.used:
            self._line.wrong.append(f"{person.name} has other uses than were answered")

    @staticmethod
    def _before(found: dict[str, Any]) -> set[str]:
        """Those of the demo's past."""
        return {id_ for id_, one in found.items() if one["reward"] not in (TEA, GIFT, SCARCE, DEAR)}


@dataclass(frozen=True)
class Shared:
    """What the client processes share: how much they did, how many are done, and when nothing moves any more."""

    attempts: Any
    lived: Any
    calm: Any


_shared: list[Shared] = []


def share(shared: Shared) -> None:
    """Take what this process shares, once as it starts."""
    _shared.append(shared)


def run(part: Part) -> Told:
    """Live one part; when all are done and the servers were killed once more, check it."""

    async def whole() -> Told:
        shared = _shared[0]
        crowd = Crowd(part, shared.attempts)
        people = await crowd.live()
        with shared.lived.get_lock():
            shared.lived.value += 1
        await asyncio.to_thread(shared.calm.wait)
        return await crowd.check(people)

    return asyncio.run(whole())
