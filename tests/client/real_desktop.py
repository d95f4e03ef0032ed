"""A notification on a real desktop: shown by dunst on a screen and a D-Bus of its own, and opened with a click.

Needs dbus-daemon, Xvfb, dunst and xdotool, which Debian has as packages of these names (xvfb).
"""

import asyncio
import logging
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mirabelle.client.device.notifications import DesktopNotifications

POLL = 0.1  # seconds
LONGEST_WAIT = 20
DUNSTRC = "[global]\n    mouse_left_click = do_action, close_current\n"


@contextmanager
def running(*words: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A program, for as long as the block lasts."""
    with subprocess.Popen(words, text=True, stderr=subprocess.DEVNULL, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


async def until(true: Callable[[], Any]) -> Any:
    """What `true` gives once it gives something."""
    for _ in range(int(LONGEST_WAIT / POLL)):
        if found := true():
            return found
        await asyncio.sleep(POLL)
    raise AssertionError("it never came true")


def asked(*words: str) -> str:
    """What a program says."""
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


async def show_and_open(folder: Path) -> None:
    """Nothing shows a notification, then dunst does, and a click on it is heard of; then dunst is gone."""
    desk, opened = DesktopNotifications(), list[str]()
    (folder / "dunstrc").write_text(DUNSTRC)
    with running("dunst", "-config", str(folder / "dunstrc")):
        await until(lambda: "Waiting" in asked("dunstctl", "count"))
        assert await desk.work()
        await desk.show("120 points expire on 4 December", "Open it in Mirabelle", lambda: opened.append("/wallet"))
        await until(lambda: asked("xdotool", "search", "--onlyvisible", "--class", "dunst"))
        asked("xdotool", "mousemove", "600", "90")
        await until(lambda: asked("xdotool", "click", "1") or opened)
    logging.disable()  # the library tells of what is tried here
    await desk.show("Unseen", "Nobody is there to show it", lambda: opened.append("/alerts"))
    assert not await desk.work()
    print(f"shown, clicked, and led to {opened}; noticed that the desktop was gone")


def main() -> None:
    """Start the screen and the bus, and do it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        screen = stack.enter_context(running("Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24",
                                             stdout=subprocess.PIPE))  # fmt: skip
        address = f"unix:path={folder / 'bus'}"
        bus = stack.enter_context(
            running("dbus-daemon", "--session", "--nofork", "--print-address", f"--address={address}",
                    stdout=subprocess.PIPE)
        )  # fmt: skip
        assert screen.stdout and bus.stdout
        os.environ["DISPLAY"] = f":{screen.stdout.readline().strip()}"
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        asyncio.run(show_and_open(folder))


if __name__ == "__main__":
    main()
