"""How a service says no: a refusal the routes turn into a problem document, in one place."""

from mirabelle.contract.reasons import Reason


class Refused(Exception):
    """Ends the request with a problem document; whatever its transaction wrote is rolled back."""

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        field: str | None = None,
        points: int | None = None,
        points_missing: int | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail
        self.field = field
        self.points = points
        self.points_missing = points_missing
