"""How far joining a programme has come: what was typed, scanned or opened, and who was found there."""

import asyncio
from typing import Final

import flet as ft

from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.client.device.decode import Fault as PictureFault
from mirabelle.client.use_cases.ask_server import CannotJoin, Found, Trouble, ask_server
from mirabelle.contract.server_address import BadAddress, Fault, is_link, place_of, read_link

_AT_LONGEST: Final = 2048  # characters shown of what was scanned


@ft.observable
class Joining:
    """`found` is whom to ask about; `fault` why what was entered is no address, `trouble` why nobody is there."""

    def __init__(self) -> None:
        self.entered = ""
        self.watches = False
        self.found: Found | None = None
        self.fault: Fault | None = None
        self.trouble: Trouble | None = None
        self.picture_fault: PictureFault | None = None
        self.asked = ""  # the place that was asked, for the words about it

    def enter(self, text: str) -> None:
        """Something else was entered: what was said of the one before is no longer true."""
        self.entered = text[:_AT_LONGEST]
        self.found = self.fault = self.trouble = self.picture_fault = None

    def is_news(self, text: str) -> bool:
        """Whether what a camera sees is worth asking about: an address that was not entered just now."""
        return not self.found and text != self.entered and (is_link(text) or "://" in text)

    async def read(self, picture: bytes) -> bool:
        """Enter what the code in a picture says; whether there is one."""
        self.enter("")
        try:
            self.enter(await asyncio.to_thread(read_code, picture))
        except CannotRead as found:
            self.picture_fault = found.fault
        return self.picture_fault is None

    async def look(self) -> None:
        """Ask whoever is at the entered address who they are."""
        self.watches = False
        try:
            address = read_link(self.entered)
        except BadAddress as bad:
            self.fault = bad.fault
            return
        self.entered, self.asked = address, place_of(address)
        self.found = self.fault = self.trouble = None
        try:
            found = await ask_server(address)
        except CannotJoin as refused:
            if self.entered == address:
                self.trouble = refused.trouble
            return
        if self.entered == address:  # else another was entered meanwhile
            self.found = found
