"""Who a server is, told so that an app of any version can read it before it joins."""

from datetime import datetime
from typing import Final

from mirabelle.contract.endpoints import CONTRACT, PROGRAMME, Endpoint
from mirabelle.contract.fields import Message
from mirabelle.contract.limits import GREETING_BYTES

OLDEST_CONTRACT: Final = CONTRACT  # that this app gets along with


class Greeting(Message, frozen=True, kw_only=True):
    """What every server says of its programme, and the number of the contract that it keeps."""

    name: str
    currency: str
    time_zone: str
    server_time: datetime
    demo: bool = False
    contract: int = 1


GREETING: Final = Endpoint("GET", PROGRAMME.path, Greeting, most_bytes=GREETING_BYTES)
