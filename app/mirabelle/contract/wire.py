"""What every request says, whichever endpoint it is for."""

from typing import Final

API_PREFIX: Final = "/api/v1"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
