"""The till's eye. Phones stream their frames; browsers cannot, so there pictures are taken one after another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import flet as ft
import flet_camera as fc

from mirabelle.client.device.decode import CannotRead, read_code

log = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 0.12  # between two pictures: quick enough to feel live, slow enough to leave the line free
_PICTURE_SECONDS: Final = 5
_FAULTS_BEFORE_GIVING_UP: Final = 10

State = Literal["starting", "watching", "none", "refused"]


def has_camera(page: ft.Page) -> bool:
    """Whether this platform's camera can be reached at all: Flet 1.0.5 has none on desktops, and raises there."""
    return bool(page.web) or page.platform in (ft.PagePlatform.ANDROID, ft.PagePlatform.IOS)


class CameraReader:
    """Watches through one camera and hands over each code it sees, to the character; needs `control` on the screen."""

    def __init__(self, on_code: Callable[[str], Awaitable[None]], on_state: Callable[[State], None]) -> None:
        self._on_code = on_code
        self._on_state = on_state
        self._reading = False
        self._task: asyncio.Task[None] | None = None
        self.control = fc.Camera(on_stream_image=self._on_frame, expand=True)

    def start(self) -> None:
        """Begin to watch; `on_state` says how it went."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Stop for good: the control is about to leave the screen, which frees the camera."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        self._on_state("starting")
        try:
            cameras = await self.control.get_available_cameras()
            if not cameras:
                self._on_state("none")
                return
            facing_away = (camera for camera in cameras if camera.lens_direction == fc.CameraLensDirection.BACK)
            chosen = next(facing_away, cameras[0])
            await self.control.initialize(chosen, fc.ResolutionPreset.HIGH, enable_audio=False)
            streams = await self.control.supports_image_streaming()
        except (RuntimeError, TimeoutError) as fault:
            log.info("no camera: %s", fault)
            self._on_state("refused")
            return
        self._on_state("watching")
        if streams:
            await self.control.start_image_stream()
        else:
            await self._take_pictures()

    async def _take_pictures(self) -> None:
        faults, task = 0, asyncio.current_task()
        while faults < _FAULTS_BEFORE_GIVING_UP:
            try:
                picture = await asyncio.wait_for(self.control.take_picture(), _PICTURE_SECONDS)
                faults = 0
            except (RuntimeError, TimeoutError) as fault:
                faults += 1
                log.info("no picture: %s", fault)
            else:
                # In Python 3.11 a wait_for, also one in Flet, takes a cancellation that comes as it ends.
                if task is not None and task.cancelling():
                    return
                await self._read(picture)
            await asyncio.sleep(_PAUSE_SECONDS)
        self._on_state("refused")

    async def _on_frame(self, event: fc.CameraImageEvent) -> None:
        # Frames come faster than they are read: the ones in between are let go, so that none is ever old.
        if not self._reading:
            await self._read(event.bytes)

    async def _read(self, picture: bytes) -> None:
        self._reading = True
        try:
            code = await asyncio.to_thread(read_code, picture)
        except CannotRead:
            return
        finally:
            self._reading = False
        await self._on_code(code)
