import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from shared.models.photos import LONGEST, read_photo
from shared.problems import Problem


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def corner():
    """Red in the top left quarter of a blue 60 x 40 picture."""
    pixels = np.full((40, 60, 3), (0, 0, 255), np.uint8)
    pixels[:20, :30] = (255, 0, 0)
    return pixels


def is_red(pixel):
    return pixel[0] > 200 and pixel[2] < 60


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_arrive_pixel_by_pixel(kind):
    photo = read_photo(saved(Image.fromarray(corner()), kind))
    np.testing.assert_array_equal(photo.pixels, corner())
    assert photo.note == ""


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_arrive_nearly(kind):
    pixels = read_photo(saved(Image.fromarray(corner()), kind, quality=95)).pixels
    assert np.abs(pixels[5:15, 5:25].astype(int) - (255, 0, 0)).max() < 12


# Where the top left corner of the upright picture lies in the stored one (EXIF 2.3, tag 274).
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_every_exif_orientation_is_turned_upright(kind, tag):
    upright = corner()
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[tag]  # fmt: skip
    exif = Image.Exif()
    exif[274] = tag
    pixels = read_photo(saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)).pixels
    assert pixels.shape == (40, 60, 3)
    assert is_red(pixels[8, 12])
    assert not any(is_red(pixels[row, column]) for row, column in ((8, 48), (32, 12), (32, 48)))


def test_gray_palette_bilevel_and_cmyk_become_rgb():
    gray = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    np.testing.assert_array_equal(read_photo(saved(gray, "PNG")).pixels, np.repeat(np.asarray(gray)[..., None], 3, 2))
    assert set(np.unique(read_photo(saved(gray.convert("1", dither=0), "PNG")).pixels)) == {0, 255}
    assert is_red(read_photo(saved(Image.fromarray(corner()).quantize(4), "PNG")).pixels[5, 5])
    cyan = read_photo(saved(Image.new("CMYK", (20, 20), (255, 0, 0, 0)), "JPEG", quality=95)).pixels
    assert np.abs(cyan.astype(int) - (0, 255, 255)).max() < 12


def test_transparent_parts_lie_on_white_and_half_of_black_is_mid_gray():
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.putpixel((2, 0), (9, 8, 7, 255))
    photo = read_photo(saved(image, "PNG"))
    assert photo.pixels[0].tolist() == [[255] * 3, [127] * 3, [9, 8, 7]]
    assert "white" in photo.note
    assert read_photo(saved(Image.new("RGBA", (2, 2), (1, 2, 3, 255)), "PNG")).note == ""


def test_transparent_palette_colors_lie_on_white():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((1, 0), 1)
    assert read_photo(saved(image, "PNG", transparency=0)).pixels[0].tolist() == [[255] * 3, [200, 0, 0]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_stretched_over_their_range(kind):
    photo = read_photo(saved(Image.fromarray(np.array([[1000, 2000, 3000]], np.uint16)), kind))
    assert photo.pixels[0, :, 0].tolist() == [0, 128, 255]
    assert "1000" in photo.note and "3000" in photo.note


def test_float_tiff_with_holes():
    values = np.array([[-1.0, 0.0, 1.0, np.nan, np.inf]], np.float32)
    assert read_photo(saved(Image.fromarray(values), "TIFF")).pixels[0, :, 0].tolist() == [0, 128, 255, 0, 255]
    with pytest.raises(Problem, match="finite"):
        read_photo(saved(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF"))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_shown_and_said(kind):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    photo = read_photo(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert is_red(photo.pixels[10, 10])
    assert "first" in photo.note


@pytest.mark.parametrize(("size", "kind"), [((5000, 2500), "JPEG"), ((2400, 1200), "PNG"), ((3000, 2), "PNG")])
def test_large_photos_are_reduced_in_proportion(size, kind):
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    height, width, _ = read_photo(saved(image, kind)).pixels.shape
    assert 1024 < width <= LONGEST
    assert height == max(1, round(size[1] * width / size[0]))
    pixels = read_photo(saved(image, kind)).pixels
    assert is_red(pixels[0, width // 4]) and not is_red(pixels[0, width * 3 // 4])


def png_header(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_header(width, height):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", b"x")
    return file.getvalue()


PHOTO = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)), "JPEG")
HOSTILE = {
    "empty": (b"", "empty"),
    "text": (b"just a few words", "text"),
    "HTML": (b"<html><script>alert(1)</script></html>", "text"),
    "SVG with a script": (b'<?xml version="1.0"?><svg xmlns="x"><script>alert(1)</script></svg>', "SVG"),
    "ZIP": (zipped(), "ZIP"),
    "PDF": (b"%PDF-1.7\n\x00", "PDF"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    "truncated JPEG": (PHOTO[: len(PHOTO) // 2], "breaks off"),
    "truncated PNG": (saved(Image.fromarray(corner()), "PNG")[:-40], "damaged|breaks off"),
    "huge header": (png_header(50_000, 50_000), "100 megapixels"),
    "just too large": (png_header(10_001, 10_000), "100 megapixels"),
    "huge WebP": (webp_header(16_000, 16_000), "100 megapixels"),
    "no pixels": (png_header(30, 30), "damaged|breaks off"),
    "too many bytes": (PHOTO + b"\0" * 20_000_000, "20"),
    "noise": (bytes(range(256)) * 4, "cannot be read"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_one_sentence(name):
    data, expected = HOSTILE[name]
    with pytest.raises(Problem, match=expected) as raised:
        read_photo(data)
    text = str(raised.value)
    assert text.endswith(".") and ". " not in text and "PIL" not in text and "<" not in text


def test_no_broken_photo_escapes_as_another_error():
    generator = np.random.default_rng(1)
    for kind in ("PNG", "GIF", "TIFF", "WEBP", "BMP", "JPEG"):
        whole = bytearray(saved(Image.fromarray(corner()), kind))
        for _ in range(40):
            broken = whole.copy()
            for place in generator.integers(0, len(broken), 4):
                broken[place] = int(generator.integers(256))
            try:
                assert read_photo(bytes(broken)).pixels.shape[2] == 3
            except Problem as problem:
                assert str(problem)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_settings_of_pillow_stay_as_they_were():
    def settings():
        return Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES

    before = settings()
    for data, _ in HOSTILE.values():
        with pytest.raises(Problem):
            read_photo(data)
    assert settings() == before
