"""What a till's camera sees of a phone: its screen, tilted in the hand, small, blurred, noisy, and compressed.

One scene is a grey picture of 560x800 pixels of a screen of 390x844, drawn by chance from these ranges, all at once:

- smaller: 60 to 100 %, so that a module of the code has 3.6 to 6 pixels
- turned by up to 15 degrees either way in the picture's plane
- tilted by up to 25 degrees about each of the two other axes, seen from 2.5 times the phone's height
- off the middle by up to 20 pixels each way, on a ground of one grey
- blurred: Gaussian of 0 to 1 pixel
- brightness: contrast times 0.5 to 1.1, then 10 levels darker to 30 lighter
- noise: Gaussian of 0 to 10 levels in every pixel by itself
- JPEG of quality 50 to 95
"""

from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np

WIDTH, HEIGHT = 560, 800
SHARPER: Final = 2  # drawn so much larger and then averaged, as a camera's pixels do
DISTANCE: Final = 2.5

Picture = np.ndarray[Any, Any]


def scenes(screen: Picture, seed: int, count: int) -> Iterator[bytes]:
    """`count` scenes of `screen`, a grey picture, as JPEG files; the same seed gives the same."""
    chance = np.random.default_rng(seed)
    for _ in range(count):
        yield _photographed(_seen(screen, chance), chance)


def _seen(screen: Picture, chance: np.random.Generator) -> Picture:
    """The screen in the hand, sharp."""
    height, width = screen.shape
    corners = np.array([(x * width / 2, y * height / 2, 0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    turned = corners @ _turn(chance).T
    nearness = DISTANCE * height / (DISTANCE * height + turned[:, 2:])
    placed = turned[:, :2] * chance.uniform(0.6, 1) * nearness + (WIDTH / 2, HEIGHT / 2) + chance.uniform(-20, 20, 2)
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    view = np.diag([SHARPER, SHARPER, 1]) @ cv2.getPerspectiveTransform(flat, placed.astype(np.float32))
    ground = int(chance.uniform(40, 200))
    large = cv2.warpPerspective(screen, view, (WIDTH * SHARPER, HEIGHT * SHARPER), borderValue=ground)
    return cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)


def _turn(chance: np.random.Generator) -> Picture:
    """A rotation in the plane and about both of its axes."""
    (cos_a, cos_b, cos_c), (sin_a, sin_b, sin_c) = (
        part(np.radians(chance.uniform((-25, -25, -15), (25, 25, 15)))) for part in (np.cos, np.sin)
    )
    about_x = np.array([(1, 0, 0), (0, cos_a, -sin_a), (0, sin_a, cos_a)])
    about_y = np.array([(cos_b, 0, sin_b), (0, 1, 0), (-sin_b, 0, cos_b)])
    about_z = np.array([(cos_c, -sin_c, 0), (sin_c, cos_c, 0), (0, 0, 1)])
    return about_z @ about_y @ about_x


def _photographed(scene: Picture, chance: np.random.Generator) -> bytes:
    if (blur := chance.uniform(0, 1)) > 0.1:  # less moves nothing
        scene = cv2.GaussianBlur(scene, (0, 0), blur)
    scene = scene * np.float32(chance.uniform(0.5, 1.1)) + np.float32(chance.uniform(-10, 30))
    scene += chance.uniform(0, 10) * chance.standard_normal(scene.shape, np.float32)
    quality = int(chance.uniform(50, 95))
    _, file = cv2.imencode(".jpg", scene.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return file.tobytes()
