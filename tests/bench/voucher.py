"""What a scan costs a till: its check beside one bare Ed25519 verification, and each step of a frame by itself."""

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from mirabelle.client.device.decode import read_code
from mirabelle.client.ui.vouchers.qr import draw
from mirabelle.rules import frame, voucher
from mirabelle.rules.frame import Frame
from mirabelle.rules.voucher_code import VoucherCode
from tests.bench.figures import Figure, Waits
from tests.bench.till import OfflineTill
from tests.rules.faults import Draft

CAMERA: Final = (1280, 720)
MODULE: Final = 8  # pixels: a phone held near enough to fill most of the picture's height
NOISE: Final = 40  # levels of grey, of which the picture gets 15 in 100
WARM_UP, ROUNDS = 20, 200
CHECKS: Final = 2000
MOST_OF_BARE: Final = 4
P99_SECONDS: Final = 0.005


def checks() -> Iterator[Figure]:
    """The whole check, from text to verdict, and one bare verification, in turn."""
    draft = Draft()
    text, context = draft.text(), draft.context
    shown = frame.parse(text)
    assert isinstance(shown, Frame)
    public, message, signature = context.keys[shown.key_id], frame.issuer_message(shown), shown.issuer_signature

    def bare() -> None:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)

    def ours() -> None:
        assert voucher.check(text, context).code == VoucherCode.ACCEPTED

    samples: dict[Callable[[], None], list[float]] = {ours: [], bare: []}
    for _ in range(WARM_UP + CHECKS):
        for work, seconds in samples.items():
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    mine, least = (seconds[WARM_UP:] for seconds in samples.values())
    yield Figure("check of a frame", "one bare Ed25519 verification", mine, least, wanted=MOST_OF_BARE)


@dataclass(frozen=True, slots=True)
class Scan:
    """One voucher before the camera, as two kinds of picture file."""

    number: int
    draft: Draft
    text: str
    jpeg: bytes
    plain: bytes


def steps() -> Iterator[Waits]:
    """From a camera's picture to the verdict: each step by itself and then all of them, each time another voucher."""
    size = "x".join(map(str, CAMERA))
    scans = [_scan(number) for number in range(WARM_UP + ROUNDS)]
    with tempfile.TemporaryDirectory() as folder:
        till = OfflineTill(Path(folder) / "till.sqlite")
        yield _waits(f"find the code in a JPEG of {size}", scans, lambda scan: read_code(scan.jpeg))
        yield _waits("  of that, to unpack the JPEG", scans, lambda scan: _unpack(scan.jpeg))
        yield _waits(f"find the code in an unpacked picture of {size}", scans, lambda scan: read_code(scan.plain))
        yield _waits("all checks of its text", scans, _check)
        yield _waits("the till's decision: the checks, and written durably", scans, lambda scan: _accept(till, scan))
        till.empty()
        whole = "all of it: from an unpacked picture to green"
        yield _waits(whole, scans, lambda scan: _accept(till, scan, read_code(scan.plain)), P99_SECONDS)
        till.store.close()


def _check(scan: Scan) -> None:
    assert voucher.check(scan.text, scan.draft.context).code == VoucherCode.ACCEPTED


def _accept(till: OfflineTill, scan: Scan, text: str = "") -> None:
    till.accept(text or scan.text, str(scan.number))


def _waits(name: str, scans: Sequence[Scan], work: Callable[[Scan], Any], wanted: float | None = None) -> Waits:
    """How long `work` takes for each scan but those that warm it up."""
    seconds, busy = [], []
    for scan in scans:
        began, worked = time.perf_counter(), time.thread_time()
        work(scan)
        busy.append(time.thread_time() - worked)
        seconds.append(time.perf_counter() - began)
    return Waits(name, seconds[WARM_UP:], busy[WARM_UP:], wanted)


def _scan(number: int) -> Scan:
    chance = Random(number)
    draft = Draft()
    draft.with_lease(voucher=chance.randbytes(16))
    text = draft.text()
    picture = _photograph(text, chance)
    jpeg, plain = io.BytesIO(), io.BytesIO()
    picture.convert("RGB").save(jpeg, "JPEG", quality=85)
    picture.save(plain, "BMP")
    return Scan(number, draft, text, jpeg.getvalue(), plain.getvalue())


def _photograph(text: str, chance: Random) -> Image.Image:
    """The code somewhere in a grey, noisy picture, turned a little."""
    png, modules = draw(text)
    side = modules * MODULE
    code = Image.open(io.BytesIO(png)).convert("L").resize((side, side), Image.Resampling.NEAREST)
    code = code.rotate(chance.uniform(-5, 5), Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    ground = Image.new("L", CAMERA, 110)
    ground.paste(code, (chance.randint(0, CAMERA[0] - code.width), (CAMERA[1] - code.height) // 2))
    return Image.blend(ground, _noise(), 0.15)


@cache
def _noise() -> Image.Image:
    return Image.effect_noise(CAMERA, NOISE)


def _unpack(jpeg: bytes) -> None:
    """As little as it takes: of a JPEG only its greys."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        opened.draft("L", CAMERA)
        opened.load()
