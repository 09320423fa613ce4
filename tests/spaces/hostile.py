"""What a stranger may upload or type, and what must come of it: one sentence."""

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

HOSTILE = "</script><img src=x onerror=alert(1)><b onmouseover=alert(2)>${alert(3)}{{alert(4)}}"
CAT = Path(__file__).parents[2] / "spaces/grad_cam/examples/chelsea.jpg"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def header_of_a_png(side):
    """A PNG that claims ``side`` x ``side`` pixels and holds none."""
    body = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    data = b"IDAT" + zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def zipped():
    """An archive in the name of a picture."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.png", "not here")
    return file.getvalue()


FILES = {
    "truncated.jpg": lambda: CAT.read_bytes()[:9000],
    "zip.png": zipped,
    "script.svg": lambda: SVG,
    "script.png": lambda: SVG,
    "empty.png": lambda: b"",
    "text.jpg": lambda: b"This is no photo at all.\n" * 40,
    "huge.png": lambda: header_of_a_png(50_000),
    "noname": lambda: b"\x00\x01\x02" * 100,
}
REFERENCES = (
    f"photo:{'0' * 32}", "photo:../../etc/passwd", "photo:", f"photo:{'A' * 32}", "example:../app", "x",
)  # fmt: skip


def one_sentence(error):
    """The sentence of an error, in which nothing of the inside shows."""
    sentence = str(error)
    assert 15 < len(sentence) < 400 and sentence.endswith("."), sentence
    assert not re.search(r"Traceback|\n|Error\b|/tmp|\.py|site-packages", sentence), sentence
    return sentence
