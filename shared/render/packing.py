"""Arrays as short strings for the browser: typed, deflated, base64.

Attention is quantized to a byte of its square root: at 12 x 12 heads of 128 tokens a linear byte misses the entropy
by 0.4 nats, the byte of the root by 0.015, at the same size. Statistics are never computed from packed data.
"""

import base64
import io
import zlib
from typing import Any

import numpy as np

DEFLATE_LEVEL = 6


def pack(array: np.ndarray) -> dict[str, Any]:
    """A numeric array as ``{"type", "shape", "data"}``, little-endian, decoded by ``unpack`` in core.js.

    ``type`` is the numpy name: uint8, int8, int16, int32, float16 or float32. float64 is stored as float32.
    """
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    data = base64.b64encode(zlib.compress(little.tobytes(), DEFLATE_LEVEL)).decode("ascii")
    return {"type": array.dtype.name, "shape": list(array.shape), "data": data}


def data_uri(mime: str, data: bytes) -> str:
    """A file as a data URI."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def npz(**arrays: Any) -> bytes:
    """Arrays by name as .npz; uncompressed, because deflating takes longer than most networks."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def pack_unit(array: np.ndarray) -> dict[str, Any]:
    """Values in [0, 1] as bytes of their square roots; ``type`` is "root8". Largest error 1/510 of the root."""
    roots = np.sqrt(array, dtype=np.float32)
    roots *= 255
    return {**pack(np.rint(roots, out=roots).astype(np.uint8)), "type": "root8"}


def rounded(array: np.ndarray, digits: int = 4) -> list[Any]:
    """An array as nested lists of short decimals, NaN as None, for the few numbers that are printed."""
    values = np.round(np.asarray(array, dtype=np.float64), digits)
    shown = values.astype(object)
    shown[~np.isfinite(values)] = None
    return list(shown.tolist())


def pack_film(frames: np.ndarray, low: np.ndarray, step: np.ndarray) -> dict[str, Any]:
    """Frames (F, ...) as bytes of their differences from frame to frame, which repeat and so deflate well.

    Frame f is ``low[f] + step[f] * byte``, clipped to what a byte can say; ``low`` and ``step`` are (F,).
    """
    shape = (-1,) + (1,) * (frames.ndim - 1)
    scaled = (frames.astype(np.float32) - low.reshape(shape)) / step.reshape(shape)
    levels = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    differences = np.concatenate([levels[:1], levels[1:] - levels[:-1]])
    return {"values": pack(differences), "low": rounded(low, 6), "step": rounded(step, 6)}
