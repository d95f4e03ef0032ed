"""The ledger's outcomes in the model's words."""

from mirabelle.rules import commands as c


def told(outcome: c.Outcome) -> str:
    """An outcome in one line, with all that its asker is told."""
    match outcome:
        case c.Earned(None):
            return "earned nothing"
        case c.Earned(lot):
            assert lot is not None
            return f"earned {lot.number}: {lot.remaining} of {lot.points}, until {lot.expires_at}"
        case c.Refunded(points, owed):
            return f"took back {points}, owed {owed}"
        case c.Declined(reason, _, available):
            return f"declined: {reason.value}, {available} there"
        case c.Transferred(_, points, after):
            return f"gave {points}, {after} left"
        case c.Extended(lots):
            return f"extended {', '.join(f'{lot.number} until {lot.expires_at}' for lot in sorted(lots))}"
        case c.Closed(arrived, expired, changed):
            return f"closed: {arrived} arrived, {expired} expired, tier changed {changed}"
        case c.Redeemed():
            return _redeemed(outcome)
    return _at_a_till(outcome)


def _at_a_till(outcome: c.Outcome) -> str:
    match outcome:
        case c.Taken(voucher, hold):
            sums = f"{voucher.taken_minor} taken, {voucher.held_minor} held of {voucher.value_minor}"
            return f"{hold.state.value}: {sums}, voucher {voucher.state.value}"
        case c.NotTaken(reason):
            return f"not taken: {reason.value}"
        case c.HoldsEnded(number):
            return f"{number} holds ended"
        case c.Scanned(verdict, _, first):
            return f"{verdict.code.value}, first by {first.scan}" if first else verdict.code.value
        case c.Uploaded(_, _, conflict) if conflict is not None:
            return f"conflict with {conflict.first_scan}, {conflict.points} lost"
        case c.Uploaded(_, use):
            return f"recorded, use {use.use}" if use and not use.undone_at else "undone"
        case c.BadProof(code):
            return f"bad proof: {code.value}"
        case c.Undone(scan):
            return f"undone {scan}"
        case c.NotUndone(too_late):
            return "not undone: too late" if too_late else "not undone: not found"
    raise AssertionError(f"no words for {outcome}")


def _redeemed(outcome: c.Redeemed) -> str:
    record, voucher = outcome.redemption, outcome.voucher
    paid = " ".join(f"{number}:{share}" for number, share in record.paid_by)
    shown = f", voucher {voucher.state.value} until {voucher.expires_at}" if voucher else ""
    state = f"{record.id} {record.state.value}, {record.returned} returned, {outcome.returned} now, paid by {paid}"
    return f"{state}, {record.available_after} left{shown}"
