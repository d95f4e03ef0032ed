"""What every service needs, put together once when the server starts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mirabelle.contract.reasons import Reason
from mirabelle.server.ledger.queue import Ledger
from mirabelle.server.services.mail import Mailer
from mirabelle.server.services.pass_keys import PassKeys
from mirabelle.server.services.programme_file import ProgrammeDocument
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.sealing import MasterKey
from mirabelle.server.services.signing import Signer
from mirabelle.server.services.tokens import Tokens
from mirabelle.server.storage.database import Database

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server runs. `smtp` is the SMTP server's URL, empty to write mails into the data directory.

    The keys in the data directory are sealed under `master_key`, if there is one. An `issuer` that is given signs
    vouchers instead of the key there; who gives it also changes it. `passes` sign vouchers for phones' wallet apps.
    """

    data: Path
    demo: bool = False
    smtp: str = ""
    clock: Clock = system_clock
    master_key: MasterKey | None = field(default=None, repr=False)
    issuer: Signer | None = None
    passes: PassKeys = field(default_factory=PassKeys, repr=False)

    @property
    def secrets(self) -> Path:
        """Where the keys are."""
        return self.data / "secrets"


@dataclass(slots=True)
class Context:
    """The parts of a running server. `programme` and the ledger's world are those of the newest `version` loaded.

    `issuer` signs vouchers, `programme_key` what tills may rely on. `may_sign` is false while the issuer's key was
    given up and no other can be opened. Of those who have `left` the access tokens end at once.
    """

    settings: Settings
    database: Database
    programme: ProgrammeDocument
    version: int
    ledger: Ledger
    issuer: Signer
    programme_key: Signer
    tokens: Tokens
    mailer: Mailer
    may_sign: bool = True
    left: set[str] = field(default_factory=set)

    def require_signature(self) -> None:
        """Raises Refused while nothing that is signed now would be honoured: better no voucher than a bad one."""
        if not self.may_sign:
            raise Refused(Reason.BUSY, "no key may sign vouchers now")

    def now(self) -> datetime:
        """The time, by the server's clock."""
        return self.settings.clock()
