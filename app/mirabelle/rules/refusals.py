"""Why the rules say no: stable words, apart from the rules, which whoever only reads an answer does not load."""

from enum import StrEnum


class BalanceRefusal(StrEnum):
    """Why an amount is not held, captured or released. It is over the balance, or over what was held."""

    NOT_FOUND = "not_found"
    PRESENT_AGAIN = "present_again"
    WRONG_STORE = "wrong_store"
    SUPERSEDED_DEVICE = "superseded_device"
    VOUCHER_BLOCKED = "voucher_blocked"
    VOUCHER_CANCELLED = "voucher_cancelled"
    VOUCHER_EXPIRED = "voucher_expired"
    HOLD_ENDED = "hold_ended"
    HOLD_CAPTURED = "hold_captured"
    OVER_BALANCE = "over_balance"


class Obstacle(StrEnum):
    """Why an account cannot be deleted now."""

    REDEMPTION_ON_ITS_WAY = "redemption_on_its_way"
    MONEY_HELD = "money_held"


class RedemptionRefusal(StrEnum):
    """Why a redemption, its cancellation or reversal, a transfer or a gift is refused."""

    NOT_FOUND = "not_found"
    NOT_ENOUGH_POINTS = "not_enough_points"
    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    NOT_YET_AVAILABLE = "not_yet_available"
    NOT_AVAILABLE = "not_available"
    LIMIT_REACHED = "limit_reached"
    TIER_TOO_LOW = "tier_too_low"
    DETAILS_MISSING = "details_missing"
    NOT_CANCELLABLE = "not_cancellable"
    MORE_THAN_PAID = "more_than_paid"
    TRANSFERS_NOT_ALLOWED = "transfers_not_allowed"
    TOO_FEW_POINTS = "too_few_points"
    NO_SUCH_RECIPIENT = "no_such_recipient"
    VOUCHER_OVER = "voucher_over"
    ALREADY_GIVEN = "already_given"
