"""Signing in and out, and making a device a till."""

from collections.abc import Awaitable, Callable

from mirabelle.client.api import Api, Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.client.repositories.offline_scans import OfflineScans
from mirabelle.client.use_cases.session import Sessions, SignedIn, new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import sign_in as sm
from mirabelle.contract import till_messages as tm
from mirabelle.contract.fields import Language, Role


class ScansWait(Exception):
    """A till's scans are not with the programme yet, or refused and not seen: this device must keep them."""


class SignIn:
    """Opens sessions. `on_change` puts the right store under the screens whenever somebody else is signed in."""

    def __init__(
        self,
        api: Api,
        sessions: Sessions,
        keys: Keys,
        language: Callable[[], Language],
        on_change: Callable[[], Awaitable[None]],
        offline_scans: OfflineScans,
    ) -> None:
        self._api, self._sessions, self._keys = api, sessions, keys
        self._offline_scans = offline_scans
        self._language, self._on_change = language, on_change
        self.demo_asked: dict[Role, tuple[str, sm.DemoRequest]] = {}  # what no answer came to, and under which key
        self._enrolment_keys: dict[str, str] = {}

    async def request_code(self, email: str) -> Refusal | None:
        """Have a code mailed; raises NoAnswer. Each call sends a new one."""
        device = self._keys.device_public()
        request = sm.SignInCodeRequest(email=email, language=self._language(), device_key=device)
        answer = await self._api.call(e.REQUEST_SIGN_IN_CODE, body=request, key=new_key())
        return answer if isinstance(answer, Refusal) else None

    async def with_code(self, email: str, code: str) -> SignedIn | Refusal:
        """Sign in with a mailed code; raises NoAnswer."""
        request = sm.SignInRequest(email=email, code=code, device_key=self._keys.device_public())
        return await self._begin(await self._api.call(e.SIGN_IN, body=request, key=new_key()))

    async def demo(self, role: Role) -> SignedIn | Refusal:
        """Try the demo; raises NoAnswer. After a lost answer the same visitor is asked for again."""
        new = sm.DemoRequest(role=role, language=self._language(), device_key=self._keys.device_public())
        key, request = self.demo_asked.setdefault(role, (new_key(), new))  # in the language of then: it is one request
        outcome = await self._begin(await self._api.call(e.DEMO, body=request, key=key))
        del self.demo_asked[role]
        return outcome

    async def _begin(self, answer: sm.Session | Refusal) -> SignedIn | Refusal:
        if isinstance(answer, Refusal):
            return answer
        who = await self._sessions.begin(answer)
        await self._on_change()
        return who

    async def enrol(self, code: str) -> SignedIn | Refusal:
        """Become the till that an operator prepared under a one-time code; raises NoAnswer.

        After a lost answer the same code is good once more for this device, under the same key.
        """
        key = self._enrolment_keys.setdefault(code, new_key())
        request = tm.EnrolmentRequest(code=code, device_key=self._keys.device_public())
        return await self._begin(await self._api.call(e.ENROL, body=request, key=key))

    @property
    def kept_scans(self) -> int:
        """How many of a till's scans are not with the programme yet, or were refused and not seen."""
        return self._offline_scans.kept()

    async def sign_out(self) -> None:
        """Sign out; what this device kept of the person is removed. Raises ScansWait while it has to be kept, and
        OSError where nobody can be signed out.

        From the look at what is kept on, nothing is accepted any more. The server is told last: that takes its time,
        and an app that is ended meanwhile leaves nothing behind.
        """
        if kept := self._offline_scans.shut():
            raise ScansWait(kept)
        try:
            token = await self._sessions.forget()
        except OSError:
            self._offline_scans.reopen()
            raise
        await self._on_change()
        await self._sessions.tell_of_end(token)
