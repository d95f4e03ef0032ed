"""What every request says, whichever endpoint it is for."""

from typing import Final

API_PREFIX: Final = "/api/v1"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
ASKED_SINCE: Final = "Idempotency-Asked-Since"  # unix seconds: no earlier the same was asked under the same key before
