"""The till's eye, where pictures are taken one after another."""

import asyncio
from typing import Any

import flet_camera as fc

from mirabelle.client.device.camera import CameraReader

SEEN = 3


class Camera(fc.Camera):
    """A browser's camera, which answers without one; `reader` is stopped while the last picture is taken."""

    reader: CameraReader
    taken = 0

    async def get_available_cameras(self) -> Any:
        return [fc.CameraDescription("back", fc.CameraLensDirection.BACK, 0)]

    async def initialize(self, *_wishes: Any, **_more: Any) -> None:
        pass

    async def supports_image_streaming(self) -> bool:
        return False

    async def take_picture(self) -> bytes:
        self.taken += 1
        if self.taken == SEEN:
            self.reader.stop()
        return b""


async def see(_code: str) -> None:
    """There is none to see."""


async def test_no_picture_is_taken_after_the_one_that_came_as_the_camera_was_put_away() -> None:
    before = asyncio.all_tasks()
    reader = CameraReader(see, lambda _state: None)
    reader.control = camera = Camera()
    camera.reader = reader
    reader.start()
    [watching] = asyncio.all_tasks() - before
    await asyncio.wait([watching], timeout=8)
    assert watching.done() and camera.taken == SEEN
