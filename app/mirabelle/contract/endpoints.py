"""The API's endpoints: what both ends agree to send, to answer and to refuse."""

from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from mirabelle.contract import account, catalog, trust
from mirabelle.contract import messages as m
from mirabelle.contract import reminders as rm
from mirabelle.contract import sign_in as sm
from mirabelle.contract import till_messages as tm
from mirabelle.contract.fields import Message, Role
from mirabelle.contract.limits import ANSWER_BYTES, PICTURE_BYTES
from mirabelle.contract.reasons import Reason

CONTRACT: Final = 1  # counts what apps and servers of before cannot get along with

_EVERY_WRITE = (
    Reason.MALFORMED,
    Reason.INVALID,
    Reason.TOO_LARGE,
    Reason.UNSUPPORTED_MEDIA_TYPE,
    Reason.IDEMPOTENCY_KEY_MISSING,
    Reason.IDEMPOTENCY_KEY_REUSED,
)
_EVERY_QUERY = (Reason.INVALID,)
_SIGNED_IN = (Reason.NOT_SIGNED_IN, Reason.SESSION_ENDED, Reason.WRONG_ROLE)

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[A]):
    """One endpoint. `role` is who may call it (None: anybody); `own_refusals` come on top of the common ones; what is
    longer than `most_bytes` is no answer."""

    method: Literal["GET", "POST"]
    path: str
    answer: type[A]
    request: type[Message] | None = None
    role: Role | None = None
    own_refusals: tuple[Reason, ...] = ()
    most_bytes: int = ANSWER_BYTES

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """Every reason this endpoint may refuse with."""
        common = _EVERY_WRITE if self.method == "POST" else _EVERY_QUERY
        signed_in = _SIGNED_IN if self.role else ()
        return tuple(dict.fromkeys((*common, *signed_in, *self.own_refusals)))


PROGRAMME = Endpoint("GET", "/programme", m.Programme)
CATALOG = Endpoint("GET", "/catalog", catalog.SignedCatalog)
PICTURE = Endpoint(
    "GET",
    "/pictures/{picture:str}/{width:str}",
    bytes,
    own_refusals=(Reason.NOT_FOUND,),
    most_bytes=PICTURE_BYTES,
)

REQUEST_SIGN_IN_CODE = Endpoint(
    "POST", "/sign-in/codes", m.Done, sm.SignInCodeRequest, own_refusals=(Reason.RATE_LIMITED,)
)
SIGN_IN = Endpoint(
    "POST",
    "/sign-in/sessions",
    sm.Session,
    sm.SignInRequest,
    own_refusals=(Reason.WRONG_CODE, Reason.UNSAFE_KEY, Reason.SESSION_ENDED),
)
REFRESH = Endpoint(
    "POST",
    "/sign-in/refreshes",
    sm.Session,
    sm.RefreshRequest,
    own_refusals=(Reason.SESSION_ENDED, Reason.CLOCK_DIFFERS),
)
SIGN_OUT = Endpoint("POST", "/sign-in/sign-outs", m.Done, sm.SignOutRequest)
DEMO = Endpoint(
    "POST",
    "/demo/sessions",
    sm.Session,
    sm.DemoRequest,
    own_refusals=(Reason.NOT_FOUND, Reason.UNSAFE_KEY, Reason.SESSION_ENDED),
)

WALLET = Endpoint("GET", "/wallet", m.Wallet, role="participant")
ACTIVITY = Endpoint("GET", "/activity", m.ActivityPage, role="participant")
REDEMPTIONS = Endpoint("GET", "/redemptions", m.Redemptions, role="participant")
ACCOUNT_DATA = Endpoint(
    "GET", "/account/export", account.AccountData, role="participant", own_refusals=(Reason.RATE_LIMITED,)
)
REDEEM = Endpoint(
    "POST",
    "/redemptions",
    m.Redemption,
    m.RedemptionRequest,
    role="participant",
    own_refusals=(
        Reason.NOT_FOUND,
        Reason.OUTCOME_UNKNOWN,
        Reason.NOT_ENOUGH_POINTS,
        Reason.OUT_OF_STOCK,
        Reason.PRICE_CHANGED,
        Reason.NOT_YET_AVAILABLE,
        Reason.NOT_AVAILABLE,
        Reason.LIMIT_REACHED,
        Reason.TIER_TOO_LOW,
        Reason.DETAILS_MISSING,
        Reason.UNSAFE_KEY,
    ),
)
CANCEL = Endpoint(
    "POST",
    "/redemptions/{redemption:str}/cancellations",
    m.Redemption,
    role="participant",
    own_refusals=(Reason.NOT_FOUND, Reason.NOT_CANCELLABLE),
)
TRANSFER = Endpoint(
    "POST",
    "/transfers",
    m.Transfer,
    m.TransferRequest,
    role="participant",
    own_refusals=(
        Reason.OUTCOME_UNKNOWN,
        Reason.TRANSFERS_NOT_ALLOWED,
        Reason.NO_SUCH_RECIPIENT,
        Reason.TOO_FEW_POINTS,
        Reason.NOT_ENOUGH_POINTS,
        Reason.RATE_LIMITED,
    ),
)
RENEW_LEASE = Endpoint(
    "POST",
    "/vouchers/{voucher:str}/leases",
    m.Voucher,
    m.LeaseRequest,
    role="participant",
    own_refusals=(Reason.NOT_FOUND, Reason.UNSAFE_KEY, Reason.SUPERSEDED_DEVICE),
)
GIVE = Endpoint(
    "POST",
    "/vouchers/{voucher:str}/gifts",
    m.Redemption,
    m.GiftRequest,
    role="participant",
    own_refusals=(
        Reason.NOT_FOUND,
        Reason.OUTCOME_UNKNOWN,
        Reason.ALREADY_GIVEN,
        Reason.VOUCHER_OVER,
        Reason.NO_SUCH_RECIPIENT,
        Reason.RATE_LIMITED,
    ),
)
PUT_ON_PAPER = Endpoint(
    "POST",
    "/vouchers/{voucher:str}/papers",
    m.PaperVoucher,
    role="participant",
    own_refusals=(Reason.NOT_FOUND, Reason.PAPER_NOT_ALLOWED, Reason.VOUCHER_OVER, Reason.SUPERSEDED_DEVICE),
)
PUT_IN_WALLET = Endpoint(
    "POST",
    "/vouchers/{voucher:str}/passes",
    m.WalletPass,
    m.PassRequest,
    role="participant",
    own_refusals=(*PUT_ON_PAPER.own_refusals, Reason.PASSES_NOT_OFFERED, Reason.RATE_LIMITED),
)

REMINDERS = Endpoint("GET", "/reminders", rm.Reminders, role="participant")
CHOOSE_REMINDERS = Endpoint(
    "POST",
    "/reminders",
    rm.Reminders,
    rm.ReminderRequest,
    role="participant",
    own_refusals=(Reason.CHANGED_ELSEWHERE,),
)
CLAIM_REMINDERS = Endpoint("POST", "/reminders/claims", rm.Claimed, rm.ClaimRequest, role="participant")

LEAVING = Endpoint("GET", "/account/deletion", account.Leaving, role="participant")
# Whoever asks proves it with the device's key: that stands when access tokens are over, and an answer was lost.
LEAVE = Endpoint(
    "POST",
    "/account/deletions",
    account.Left,
    account.LeaveRequest,
    own_refusals=(Reason.SESSION_ENDED, Reason.REDEMPTION_ON_ITS_WAY, Reason.MONEY_HELD),
)

TILL = Endpoint("GET", "/till", tm.Till, role="staff")
TRUST = Endpoint("GET", "/till/trust", trust.SignedTrust, role="staff")
SCAN = Endpoint("POST", "/scans", tm.Scan, tm.ScanRequest, role="staff", own_refusals=(Reason.RATE_LIMITED,))
UNDO_SCAN = Endpoint(
    "POST", "/scans/{scan:str}/undos", tm.Scan, role="staff", own_refusals=(Reason.NOT_FOUND, Reason.TOO_LATE)
)
UPLOAD_SCAN = Endpoint(
    "POST",
    "/scans/uploads",
    tm.ScanReceipt,
    tm.ScanUpload,
    role="staff",
    own_refusals=(Reason.BAD_PROOF, Reason.TOO_EARLY),
)
_NO_MONEY = (
    Reason.NOT_FOUND,
    Reason.WRONG_STORE,
    Reason.SUPERSEDED_DEVICE,
    Reason.VOUCHER_BLOCKED,
    Reason.VOUCHER_CANCELLED,
    Reason.VOUCHER_EXPIRED,
    Reason.OVER_BALANCE,
)
HOLD = Endpoint(
    "POST", "/holds", tm.Hold, tm.HoldRequest, role="staff", own_refusals=(*_NO_MONEY, Reason.PRESENT_AGAIN)
)
CAPTURE = Endpoint(
    "POST",
    "/holds/{hold:str}/captures",
    tm.Scan,
    tm.CaptureRequest,
    role="staff",
    own_refusals=(*_NO_MONEY, Reason.HOLD_ENDED, Reason.HOLD_CAPTURED),
)
RELEASE = Endpoint(
    "POST",
    "/holds/{hold:str}/releases",
    tm.Hold,
    role="staff",
    own_refusals=(Reason.NOT_FOUND, Reason.HOLD_CAPTURED),
)
ENROL = Endpoint(
    "POST",
    "/till/enrolments",
    sm.Session,
    tm.EnrolmentRequest,
    own_refusals=(Reason.WRONG_CODE, Reason.UNSAFE_KEY, Reason.RATE_LIMITED, Reason.SESSION_ENDED),
)
SCANS = Endpoint("GET", "/scans", tm.Scans, role="staff")

ALL: Final = (
    PROGRAMME, CATALOG, PICTURE, REQUEST_SIGN_IN_CODE, SIGN_IN, REFRESH, SIGN_OUT, DEMO, WALLET, ACTIVITY, REDEMPTIONS,
    REDEEM, CANCEL, TRANSFER, RENEW_LEASE, PUT_ON_PAPER, PUT_IN_WALLET, GIVE, TILL, TRUST, SCAN, UPLOAD_SCAN, UNDO_SCAN,
    SCANS, HOLD, CAPTURE, RELEASE, ENROL, REMINDERS, CHOOSE_REMINDERS, CLAIM_REMINDERS, ACCOUNT_DATA, LEAVING, LEAVE,
)  # fmt: skip
