"""A ledger in memory: does to a snapshot what the server does to its tables, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mirabelle.rules.balance import BalanceMove
from mirabelle.rules.book import Snapshot, earned_by
from mirabelle.rules.commands import Command, Outcome
from mirabelle.rules.ledger import decide
from mirabelle.rules.postings import Account, Posting
from mirabelle.rules.programme import Earning, Expiry, Rules, Tier
from mirabelle.rules.redemption import RedemptionState, RewardTerms, ValueClass

RULES = Rules(
    currency="EUR",
    zone=ZoneInfo("Europe/Paris"),
    earning=Earning(),
    expiry=Expiry(after_days=10, grace_days=3),
    tiers=[Tier("silver", 60)],
)
LATER = replace(RULES, earning=Earning(arrive_after_days=2))
REWARDS = [
    RewardTerms("mug", 20, value_class=ValueClass.A),
    RewardTerms("card", 30, value_class=ValueClass.C),
    RewardTerms("silver-only", 5, from_points=60, value_class=ValueClass.A),
    RewardTerms("twice", 1, per_participant=2, value_class=ValueClass.A),
]


class World:
    """Everything there is, after each batch."""

    def __init__(self, people: Sequence[str], rules: Rules = RULES, rewards: Sequence[RewardTerms] = REWARDS) -> None:
        self.snapshot = Snapshot(
            rules=rules,
            accounts={person: Account(person) for person in people},
            cells={person: number for number, person in enumerate(people)},
            rewards={terms.id: terms for terms in rewards},
        )
        self.postings: list[Posting] = []

    def account(self, person: str) -> Account:
        """A person's account as it stands."""
        return self.snapshot.accounts[person]

    def do(self, *commands: Command) -> list[Outcome]:
        """Decide a batch and keep what it changed."""
        seen = replace(self.snapshot, earned_in_period=self._earned(commands), had_before=self._had())
        outcomes, changes = decide(seen, commands)
        self.postings += changes.postings
        now = self.snapshot
        self.snapshot = replace(
            now,
            accounts={**now.accounts, **changes.accounts},
            stock={**now.stock, **changes.stock},
            redemptions={**now.redemptions, **changes.redemptions},
            vouchers={**now.vouchers, **changes.vouchers},
            uses={**now.uses, **changes.uses},
            conflicts={**now.conflicts, **changes.conflicts},
            undone={*now.undone, *changes.undone},
            moves=self._moves(changes.moves),
        )
        return outcomes

    def _moves(self, new: Sequence[BalanceMove]) -> dict[bytes, list[BalanceMove]]:
        moves = {voucher: list(known) for voucher, known in self.snapshot.moves.items()}
        for move in new:
            moves.setdefault(move.voucher, []).append(move)
        return moves

    def _earned(self, commands: Sequence[Command]) -> dict[tuple[str, datetime], int]:
        return {
            (person, command.at): earned_by(account.lots.values(), command.at)
            for person, account in self.snapshot.accounts.items()
            for command in commands
        }

    def _had(self) -> dict[tuple[str, str], int]:
        had: dict[tuple[str, str], int] = {}
        for record in self.snapshot.redemptions.values():
            if record.state in (RedemptionState.HELD, RedemptionState.CAPTURED):
                had[record.participant, record.reward] = had.get((record.participant, record.reward), 0) + 1
        return had
