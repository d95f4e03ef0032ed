"""Taking one's own data along: all that the programme keeps about the person, as a file of theirs."""

from typing import Any, Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.contract import endpoints as e

# As it was sent: what a newer server adds belongs to the person as well.
_AS_SENT: Final[e.Endpoint[dict[str, Any]]] = e.Endpoint("GET", e.ACCOUNT_DATA.path, dict, role="participant")


class TakeData:
    """Asks for the person's own data."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self) -> bytes | Refusal:
        """The data as JSON that people can read; raises NoAnswer."""
        answer = await self._api.call(_AS_SENT)
        if isinstance(answer, Refusal):
            return answer
        return msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"
