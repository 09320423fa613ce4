"""Photos of visitors: what is kept is a reduced copy without EXIF data."""

import io

from PIL import Image

from shared.models.photos import Photo, read_photo
from shared.ui.shelf import Shelf

PHOTOS = Shelf("photo")
SMALL = 64  # pixels; up to here a picture is kept without loss


def keep(data: bytes) -> str:
    """Keep the photo in the bytes of an uploaded file; its reference, ``photo:<32 hex digits>``."""
    return store(read_photo(data))


def store(photo: Photo) -> str:
    """Keep ``photo`` as JPEG, or as PNG where it is small; its reference."""
    picture, file = Image.fromarray(photo.pixels), io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=92)
    return PHOTOS.put(file.getvalue())


def find(reference: str) -> bytes:
    """The bytes of the kept photo (JPEG or PNG); a ``Problem`` for references that are unknown or expired."""
    return PHOTOS.find(reference)
