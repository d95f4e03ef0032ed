"""Choosing when to be reminded, on all of the person's devices."""

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.reminders import Reminders
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import reminders as rm
from mirabelle.contract.reasons import Reason
from mirabelle.rules.reminders import Choices


class ChooseReminders:
    """Chooses with the server's consent: the choice of another device is never written over unseen."""

    def __init__(self, api: Api, reminders: Reminders) -> None:
        self._api, self._reminders = api, reminders

    async def __call__(self, choices: Choices, version: int) -> rm.Reminders | Refusal:
        """Choose, where `version` is what was seen before; raises NoAnswer. A refusal brings what is chosen by now."""
        request = rm.ReminderRequest(choices=rm.choices_message(choices), version=version)
        answer = await self._api.call(e.CHOOSE_REMINDERS, body=request, key=new_key())
        if not isinstance(answer, Refusal):
            self._reminders.keep(answer)
        elif answer.reason == Reason.CHANGED_ELSEWHERE:
            await self._reminders.refresh()
        return answer
