"""A film for Chromium's fake camera."""

from pathlib import Path

from PIL import Image

WIDTH, HEIGHT, FRAMES = 640, 480, 20


def film_of(picture: Path, file: Path) -> Path:
    """A film (YUV4MPEG2) of a phone held still: the middle of `picture`, where the code is."""
    with Image.open(picture) as opened:
        side = opened.width
        top = max(0, (opened.height - side) // 3)
        phone = opened.convert("L").crop((0, top, side, top + side)).resize((HEIGHT, HEIGHT), Image.Resampling.LANCZOS)
    scene = Image.new("L", (WIDTH, HEIGHT), 200)
    scene.paste(phone, ((WIDTH - HEIGHT) // 2, 0))
    frame = b"FRAME\n" + scene.tobytes() + b"\x80" * (WIDTH * HEIGHT // 2)
    file.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * FRAMES)
    return file
