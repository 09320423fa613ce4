"""Photographs as visitors have them: any common file, to RGB pixels that stand upright.

Nothing of the file is believed before it is checked: not its name, not the size its header claims.
"""

import io
import re
import struct
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError, features

from shared.problems import Problem

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else []))
NAMES = "a PNG, JPEG, WebP, GIF, BMP or TIFF file"
LONGEST = 2048  # pixels of the longer side that are kept
DRAFT = 1000  # a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as this much of the longer side is left
MOST_BYTES = 20_000_000
MOST_PIXELS = 100_000_000
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """``pixels`` (H, W, 3) uint8 with H, W <= 2048; ``note`` is a sentence on what is shown of the file, or ""."""

    pixels: np.ndarray
    note: str


def read_photo(data: bytes) -> Photo:
    """The photo in the bytes of a file.

    Turned upright by its EXIF tag and reduced to 2048 pixels on the longer side. Of an animation the first frame is
    read. Transparent parts lie on white, for which cut-outs and drawings are made. Samples of more than 8 bits are
    stretched from their smallest to their largest value, because files of 10 or 12 bits do not say so. Raises
    ``Problem`` for what is no photo, is damaged, or has more than 20 MB or 100 megapixels.
    """
    image = opened(data)
    notes = []
    if image.format != "MPO" and getattr(image, "is_animated", False):  # MPO: phones hide a second view in a JPEG
        notes.append("of several frames or pages only the first is shown")
    try:
        if image.format in ("JPEG", "MPO"):
            part = max(1.0, max(image.size) / DRAFT)
            image.draft(None, (int(image.width / part), int(image.height / part)))
        image.load()
        turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        image, more = eight_bits(image)
        image, last = flattened(reduced(image))
    except Problem:
        raise
    except Exception as error:  # decoders meet hostile bytes with almost any exception
        raise damaged(error) from error
    upright = image if turn is None else image.transpose(turn)
    note = "; ".join([*notes, *more, *last])
    return Photo(np.asarray(upright), note[:1].upper() + note[1:] + "." * bool(note))


def opened(data: bytes) -> Image.Image:
    """The file with its header read and its size found bearable, but no pixel decoded."""
    if not data:
        raise Problem("This file is empty; choose another one.")
    if len(data) > MOST_BYTES:
        raise Problem(f"This file has {len(data) / 1e6:,.0f} MB, and at most 20 can be read; save it smaller.")
    if size := webp_size(data):  # its decoder takes memory for all pixels before it tells their number
        bounded(*size)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Problem("This picture has far more than 100 megapixels; save it smaller and try again.") from error
    except UnidentifiedImageError as error:
        raise Problem(no_photo(data)) from error
    except Exception as error:
        raise damaged(error) from error
    bounded(*image.size)
    return image


def bounded(width: int, height: int) -> None:
    """Refuse a size that would take too much memory."""
    if width * height > MOST_PIXELS:
        raise Problem(
            f"This picture has {width:,} × {height:,} pixels, and at most 100 megapixels can be read; save it smaller."
        )


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in the header of an extended or plain WebP file (RFC 9649), None for other files."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def no_photo(data: bytes) -> str:
    """What a file is that is no photo, as far as its first bytes tell, and what to do about it."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if re.search(rb"<svg[\s>]", start):
        return "This is a drawing in SVG; export it as PNG and try again."
    if start.startswith(b"pk\x03\x04"):
        return "This is a ZIP archive, whatever its name says; unpack it and choose a photo from it."
    if start.startswith(b"%pdf"):
        return "This is a PDF document; save its page as PNG and try again."
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        return "This is a HEIC photo; save it as JPEG and try again."
    if start and not re.search(rb"[\x00-\x08\x0e-\x1f]", start):
        return f"This is a text, not a photo; choose {NAMES}."
    return f"This file cannot be read as a photo; choose {NAMES}."


def damaged(error: Exception) -> Problem:
    """The sentence for a file that began like a photo."""
    if isinstance(error, MemoryError):
        return Problem("This picture takes too much memory; save it smaller and try again.")
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return Problem("This photo breaks off before its end; copy or download it again, then try once more.")
    return Problem("This photo is damaged and cannot be decoded; open it in a photo program and save it anew.")


def eight_bits(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Deeper samples as 8 bits, stretched over their finite range; other pictures as they are."""
    if image.mode not in DEEP:
        return image, []
    values = np.asarray(image, dtype=np.float32)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise Problem("This picture holds no finite value; choose another one.")
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return Image.new("L", image.size, 128), ["every pixel has the same value, shown as mid gray"]
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / (high - low))
    return Image.fromarray(np.rint(scaled).astype(np.uint8)), [f"values from {low:.5g} to {high:.5g} are stretched"]


def reduced(image: Image.Image) -> Image.Image:
    """No side longer than ``LONGEST``; palettes become colors, so that they can be averaged."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    if max(image.size) <= LONGEST:
        return image
    part = LONGEST / max(image.size)
    size = max(1, round(image.width * part)), max(1, round(image.height * part))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def flattened(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """RGB, with transparent parts laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB"), []
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB"), []
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB"), ["transparent parts lie on white"]
