"""What people meant: one press, and all further ones until it was shown what became of it, mean one thing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Intention:
    """One reward that somebody wanted once, under which keys it was asked for, and how it ended on the screen."""

    reward: str
    keys: list[str]
    done: bool = False
    refused: str = ""
    discarding: bool = False
    taken_back: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody was shown yet what became of it."""
        return not (self.done or self.refused or self.taken_back)


@dataclass
class Heard:
    """What the processes of one device said, in the order of the moments at which they did."""

    intentions: list[Intention] = field(default_factory=list)
    sending: list[int] = field(default_factory=list)
    sent: set[int] = field(default_factory=set)
    unsent: set[int] = field(default_factory=set)

    def take_in(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """What was said by processes that ended, all of those that lived together at once."""
        for said in sorted(lines, key=lambda said: said["at"]):
            if "pressed" in said:
                self._pressed(said["pressed"], said["reward"])
            for intention in self.intentions:
                intention.done |= said.get("done") in intention.keys
                intention.discarding |= said.get("discarding") in intention.keys
                intention.taken_back |= said.get("taken_back") in intention.keys
                if said.get("refused") in intention.keys:
                    intention.refused = said["reason"]
            self.sending += [said["sending"]] if "sending" in said else []
            self.sent |= {said["sent"]} if "sent" in said else set()
            self.unsent |= {said["unsent"]} if "unsent" in said else set()

    def _pressed(self, key: str, reward: str) -> None:
        if any(key in intention.keys for intention in self.intentions):
            return
        for intention in self.intentions:
            if intention.is_open and not intention.discarding and intention.reward == reward:
                intention.keys.append(key)  # whoever presses still wants the first one
                return
        self.intentions.append(Intention(reward, [key]))

    def twice(self, has: Counter[str]) -> list[Intention]:
        """What came more often than it was wanted, where so many rewards were issued under each key."""
        return [
            intention
            for intention in self.intentions
            if sum(has[key] for key in intention.keys) > (not intention.taken_back)
        ]

    def transfers_twice(self, given: Counter[int]) -> list[int]:
        """The amounts, each of which was meant once, that went more often, or though it was said that they did not."""
        return [points for points in self.sending if given[points] > (points not in self.unsent)]

    def transfers_lost(self, given: Counter[int]) -> int:
        """How many amounts were shown as sent and were not."""
        return sum(not given[points] for points in self.sent)
