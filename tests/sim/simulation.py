"""One seed's history: people ask over a network that loses and repeats, servers die, and everything still agrees."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from random import Random

from tests.sim import checks, database
from tests.sim.model import Model
from tests.sim.people import People, Request
from tests.sim.plan import Plan, Policy, make_plan

STEPS = 28
LAST_STEPS_TOLD = 30


class Failure(Exception):
    """What went wrong, with the seed that shows it again and the last steps before it."""

    def __init__(self, seed: int, what: str, steps: list[str]) -> None:
        told = "\n".join(steps[-LAST_STEPS_TOLD:])
        super().__init__(f"seed {seed}: {what}\nthe last of {len(steps)} steps:\n{told}")
        self.what = what


def run(seed: int) -> list[str]:
    """Run the history of `seed` to its end and return its steps; raises Failure."""
    random = Random(seed)
    plan = make_plan(random)
    with closing(database.open_database(plan)) as connection:
        simulation = _Simulation(random, plan, connection)
        try:
            simulation.run()
        except Exception as fault:
            what = str(fault) if isinstance(fault, checks.Disagreement) else f"{type(fault).__name__}: {fault}"
            raise Failure(seed, what, simulation.steps) from fault
        finally:
            simulation.stop()
        return simulation.steps


class _Simulation:
    def __init__(self, random: Random, plan: Plan, connection: sqlite3.Connection) -> None:
        self.steps: list[str] = []
        self._random = random
        self._plan = plan
        self._model = Model(plan.policy, plan.prizes, plan.people)
        self._people = People(random, plan, self._model)
        self._checker = checks.Checker(connection, self._model)
        self._servers = [database.Server() for _ in range(plan.servers)]
        self._policies = [plan.policy for _ in self._servers]
        self._waiting: list[list[Request]] = [[] for _ in self._servers]
        self._travelling: list[Request] = []
        self._asked: list[Request] = []
        self._now = plan.start

    def run(self) -> None:
        """The whole history, and then a quiet time in which everything still open is answered."""
        change_at = self._random.randrange(STEPS)
        for step in range(STEPS):
            if step >= change_at:
                self._take_up(self._plan.next_policy)
            self._now = self._people.next_moment(self._now)
            self._ask()
            self._carry()
            self._serve(self._random.randrange(len(self._servers)), self._break())
        self._settle()

    def stop(self) -> None:
        """End the servers, and their database with them."""
        for server in self._servers:
            server.stop()

    def _take_up(self, policy: Policy) -> None:
        """A new version of the rules reaches one server after another."""
        for number in range(len(self._servers)):
            if self._random.random() < 0.4 and self._policies[number] != policy:
                self._policies[number] = policy
                self.steps.append(f"{self._now} server {number} takes up {policy}")

    def _ask(self) -> None:
        """People ask for something new, or again for what they had no answer to."""
        requests = [self._people.request(self._now) for _ in range(self._random.choice([0, 1, 2, 4, 8]))]
        if self._random.random() < 0.1:
            requests += self._people.rush(self._now)
        for request in requests:
            if self._asked and self._random.random() < 0.03:
                request.actor, request.key = self._asked[-1].actor, self._asked[-1].key  # another's key, by mistake
            self._asked.append(request)
            self._travelling.append(request)
        self._travelling += [one for one in self._asked if one.answer is None and self._random.random() < 0.25]

    def _carry(self) -> None:
        """The network brings requests to servers: late, twice, in another order, or not at all."""
        self._random.shuffle(self._travelling)
        late = []
        for request in self._travelling:
            chance = self._random.random()
            if chance < self._plan.loss:
                continue
            if chance > 0.85:
                late.append(request)
            if chance < 0.95:
                self._random.choice(self._waiting).append(request)
        self._travelling = late

    def _break(self) -> database.Break | None:
        if self._random.random() >= self._plan.breaks:
            return None
        statement = self._random.choice([None, 0, self._random.randrange(1, 10), self._random.randrange(1, 30)])
        return database.Break(statement, passing=statement is not None and self._random.random() < 0.3)

    def _serve(self, number: int, breaks: database.Break | None) -> None:
        """A server takes what waits, each key once, and decides it; what was answered may get lost on its way back."""
        batch: dict[tuple[str, str], Request] = {}
        most = self._random.randint(1, 20)
        for request in list(self._waiting[number]):
            if len(batch) < most and (request.actor, request.key) not in batch:
                batch[request.actor, request.key] = request
                self._waiting[number].remove(request)
        if not batch:
            return
        lost = self._plan.loss if breaks is None else 1.0
        for request, answer in self._decide(number, list(batch.values()), breaks):
            if self._random.random() >= lost:
                request.answer = answer

    def _decide(self, number: int, batch: list[Request], breaks: database.Break | None) -> list[tuple[Request, str]]:
        now, server = self._now, self._servers[number]
        commands = [self._people.command(request.words, now) for request in batch]
        submissions = [
            database.submission(request.actor, request.key, request.hash, command, now)
            for request, command in zip(batch, commands, strict=True)
        ]
        self.steps += [
            f"{now} server {number}: {one.actor} {one.key} {c}" for one, c in zip(batch, commands, strict=True)
        ]
        committed, answers = True, None
        try:
            answers = server.run(database.world_of(self._policies[number]), submissions, breaks)
        except database.Broken as broken:
            committed = broken.committed
            self._waiting[number].clear()
            self.steps.append(f"  broken by {breaks}, committed: {committed}")
        expected = []
        self._model.policy = self._policies[number]
        if committed:
            expected = [
                self._model.ask(request.actor, request.key, request.hash, command)
                for request, command in zip(batch, commands, strict=True)
            ]
        if answers is not None:
            self.steps += [f"  answered {answer}" for answer in answers]
            checks.agree("answers", expected, answers)
        self._checker.check_locks(server.locked)
        self._checker.check()
        return list(zip(batch, expected, strict=False))

    def _settle(self) -> None:
        """No more faults: each request is answered, once more as it was, and days are closed; then the audit."""
        open_still = [request for request in self._asked if request.answer is None]
        again = [request for request in self._asked if request.answer is not None]
        for requests in (open_still, again):
            for start in range(0, len(requests), 16):
                part = {(r.actor, r.key): r for r in requests[start : start + 16]}
                told = self._decide(0, list(part.values()), None)
                for request, answer in told:
                    checks.agree("what was acknowledged", request.answer or answer, answer)
        self._now += timedelta(days=1)
        closes = [Request("worker", f"close-{who}", ("close", who, self._now)) for who in self._plan.people]
        self._decide(0, closes, None)
        self._checker.check_audit(database.audited(self._now))
