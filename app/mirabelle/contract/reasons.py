"""Why a request was refused: stable codes, each with its HTTP status."""

from enum import StrEnum

from mirabelle.rules.refusals import BalanceRefusal, Obstacle, RedemptionRefusal


class Reason(StrEnum):
    """A stable code of a problem document (RFC 9457); clients decide by it, never by the text."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    FAULT = "fault"
    BUSY = "busy"

    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    OUTCOME_UNKNOWN = "outcome_unknown"  # nobody can tell any more what became of a request: it is not done now

    NOT_SIGNED_IN = "not_signed_in"
    SESSION_ENDED = "session_ended"
    CLOCK_DIFFERS = "clock_differs"
    WRONG_ROLE = "wrong_role"
    WRONG_CODE = "wrong_code"
    UNSAFE_KEY = "unsafe_key"

    NOT_ENOUGH_POINTS = RedemptionRefusal.NOT_ENOUGH_POINTS.value
    OUT_OF_STOCK = RedemptionRefusal.OUT_OF_STOCK.value
    PRICE_CHANGED = RedemptionRefusal.PRICE_CHANGED.value
    NOT_YET_AVAILABLE = RedemptionRefusal.NOT_YET_AVAILABLE.value
    NOT_AVAILABLE = RedemptionRefusal.NOT_AVAILABLE.value
    LIMIT_REACHED = RedemptionRefusal.LIMIT_REACHED.value
    TIER_TOO_LOW = RedemptionRefusal.TIER_TOO_LOW.value
    DETAILS_MISSING = RedemptionRefusal.DETAILS_MISSING.value
    NOT_CANCELLABLE = RedemptionRefusal.NOT_CANCELLABLE.value
    TRANSFERS_NOT_ALLOWED = RedemptionRefusal.TRANSFERS_NOT_ALLOWED.value
    TOO_FEW_POINTS = RedemptionRefusal.TOO_FEW_POINTS.value
    NO_SUCH_RECIPIENT = RedemptionRefusal.NO_SUCH_RECIPIENT.value
    SUPERSEDED_DEVICE = "superseded_device"
    PAPER_NOT_ALLOWED = "paper_not_allowed"
    PASSES_NOT_OFFERED = "passes_not_offered"
    VOUCHER_OVER = RedemptionRefusal.VOUCHER_OVER.value
    ALREADY_GIVEN = RedemptionRefusal.ALREADY_GIVEN.value
    PRESENT_AGAIN = BalanceRefusal.PRESENT_AGAIN.value
    WRONG_STORE = BalanceRefusal.WRONG_STORE.value
    VOUCHER_BLOCKED = BalanceRefusal.VOUCHER_BLOCKED.value
    VOUCHER_CANCELLED = BalanceRefusal.VOUCHER_CANCELLED.value
    VOUCHER_EXPIRED = BalanceRefusal.VOUCHER_EXPIRED.value
    HOLD_ENDED = BalanceRefusal.HOLD_ENDED.value
    HOLD_CAPTURED = BalanceRefusal.HOLD_CAPTURED.value
    OVER_BALANCE = BalanceRefusal.OVER_BALANCE.value
    CHANGED_ELSEWHERE = "changed_elsewhere"
    REDEMPTION_ON_ITS_WAY = Obstacle.REDEMPTION_ON_ITS_WAY.value
    MONEY_HELD = Obstacle.MONEY_HELD.value
    BAD_PROOF = "bad_proof"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"


STATUS: dict[Reason, int] = {
    Reason.MALFORMED: 400,
    Reason.INVALID: 400,
    Reason.TOO_LARGE: 413,
    Reason.UNSUPPORTED_MEDIA_TYPE: 415,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.NOT_FOUND: 404,
    Reason.RATE_LIMITED: 429,
    Reason.FAULT: 500,
    Reason.BUSY: 503,
    Reason.IDEMPOTENCY_KEY_MISSING: 400,
    Reason.IDEMPOTENCY_KEY_REUSED: 422,
    Reason.OUTCOME_UNKNOWN: 409,
    Reason.NOT_SIGNED_IN: 401,
    Reason.SESSION_ENDED: 401,
    Reason.CLOCK_DIFFERS: 422,
    Reason.WRONG_ROLE: 403,
    Reason.WRONG_CODE: 403,
    Reason.UNSAFE_KEY: 422,
    Reason.NOT_ENOUGH_POINTS: 409,
    Reason.OUT_OF_STOCK: 409,
    Reason.PRICE_CHANGED: 409,
    Reason.NOT_YET_AVAILABLE: 409,
    Reason.NOT_AVAILABLE: 409,
    Reason.LIMIT_REACHED: 409,
    Reason.TIER_TOO_LOW: 409,
    Reason.DETAILS_MISSING: 422,
    Reason.NOT_CANCELLABLE: 409,
    Reason.TRANSFERS_NOT_ALLOWED: 409,
    Reason.TOO_FEW_POINTS: 409,
    Reason.NO_SUCH_RECIPIENT: 404,
    Reason.SUPERSEDED_DEVICE: 409,
    Reason.PAPER_NOT_ALLOWED: 409,
    Reason.PASSES_NOT_OFFERED: 409,
    Reason.VOUCHER_OVER: 409,
    Reason.ALREADY_GIVEN: 409,
    Reason.PRESENT_AGAIN: 409,
    Reason.WRONG_STORE: 409,
    Reason.VOUCHER_BLOCKED: 409,
    Reason.VOUCHER_CANCELLED: 409,
    Reason.VOUCHER_EXPIRED: 409,
    Reason.HOLD_ENDED: 409,
    Reason.HOLD_CAPTURED: 409,
    Reason.OVER_BALANCE: 409,
    Reason.CHANGED_ELSEWHERE: 409,
    Reason.REDEMPTION_ON_ITS_WAY: 409,
    Reason.MONEY_HELD: 409,
    Reason.BAD_PROOF: 422,
    Reason.TOO_LATE: 409,
    Reason.TOO_EARLY: 425,
}
