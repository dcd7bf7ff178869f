"""TIFF files with 9 to 16 bits per sample."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tfstyle.images.formats import UnsupportedError
from tfstyle.images.wide_samples import COLOURS, WideSamples

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _INK_SET = 258, 259, 262, 277, 332
_EXTRA_SAMPLES, _SAMPLE_FORMAT = 338, 339
_WHITE_IS_ZERO, _CIELAB = 0, 8
_MODELS = {0: "L", 1: "L", 2: "RGB", 5: "CMYK", 8: "LAB"}
"""{PhotometricInterpretation: colour model}."""
_UNSIGNED, _CMYK_INKS = 1, 1
_PREMULTIPLIED, _ALPHA = 1, 2
_COMPRESSIONS = {1, 5, 8, 32773, 32946, 34925, 50000}
"""None, LZW, Deflate, PackBits, Deflate by its old number, LZMA and Zstandard: all without loss."""
_BAND = 256
MOST_CHANNELS = 16
"""Colours, alpha, and what programs store beside them."""

# It reports damaged metadata, of which the errors say enough.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def is_wide(directory: ImageFileDirectory_v2) -> bool:
    """Whether the first directory of a TIFF file declares whole-numbered samples of 9 to 16 bits that are read here."""
    bits = set(_all(directory, _BITS, 1))
    return (
        len(bits) == 1
        and 9 <= bits.pop() <= 16
        and set(_all(directory, _SAMPLE_FORMAT, _UNSIGNED)) == {_UNSIGNED}
        and directory.get(_PHOTOMETRIC) in _MODELS
        and directory.get(_INK_SET, _CMYK_INKS) == _CMYK_INKS
    )


def read_tiff(data: bytes, directory: ImageFileDirectory_v2, size: tuple[int, int]) -> WideSamples:
    """The samples of the first page of the file `data`, whose `directory` declares the `size` and is wide.

    Raises `UnsupportedError` for an unusual compression, and many types for what is damaged.
    """
    compression = directory.get(_COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        why = f"is a TIFF of more than 8 bits with the compression {compression}"
        raise UnsupportedError(f"{why}; save it with LZW, with Deflate, or uncompressed")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        if (page.imagewidth, page.imagelength) != size or page.imagedepth != 1:
            raise OSError("its size is declared twice")
        if page.samplesperpixel > MOST_CHANNELS:
            raise OSError(f"has {page.samplesperpixel} channels")
        if sum(page.databytecounts) > len(data):
            # A small file could take hours by naming one slow part a million times.
            raise OSError("stores more than the file has")
        # One thread: each would reserve address space, which is limited here.
        stored = page.asarray(maxworkers=1)
        planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    channels = directory.get(_SAMPLES, 1)
    samples = stored.reshape((channels, *size[::-1]) if planar else (*size[::-1], channels))
    return _named(np.moveaxis(samples, 0, -1) if planar else samples, directory)


def _named(samples: NDArray[Any], directory: ImageFileDirectory_v2) -> WideSamples:
    """The samples [H, W, channels] as what the directory says they are."""
    photometric = directory[_PHOTOMETRIC]
    model = _MODELS[photometric]
    count = COLOURS[model]
    if samples.shape[2] < count:
        raise OSError(f"has {samples.shape[2]} channels; its colours need {count}")
    (bits,) = set(_all(directory, _BITS, 1))
    samples = _whole_range(samples, bits)
    colours, alpha = samples[..., :count], None
    kind = _all(directory, _EXTRA_SAMPLES, 0)[0]
    if samples.shape[2] > count and kind in (_PREMULTIPLIED, _ALPHA):
        alpha = samples[..., count]
    if photometric == _CIELAB:
        # Signed a* and b* become those of ICC, in which 32896 is 0.
        colours = colours.copy()
        colours[..., 1:] = np.rint((colours[..., 1:].view(np.int16) / 256 + 128) * 257).clip(0, 65535)
    if photometric == _WHITE_IS_ZERO:
        colours = np.uint16(65535) - colours
    if alpha is not None and kind == _PREMULTIPLIED:
        colours = _divided(colours, alpha)
    return WideSamples(model, colours, alpha)


def _whole_range(samples: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Samples of `bits` bits from 0 to 65535."""
    samples = samples.astype(np.uint16, copy=False)
    if bits == 16:
        return samples
    # The leading bits again behind the last ones: exact at both ends, and everywhere else to less than 1.
    return samples << np.uint16(16 - bits) | samples >> np.uint16(2 * bits - 16)


def _divided(colours: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Colours that were multiplied by alpha, divided by it; 0 where alpha is."""
    divided = np.zeros_like(colours)
    for top in range(0, len(colours), _BAND):
        rows = slice(top, top + _BAND)
        opacity = alpha[rows, :, None].astype(np.float64) / 65535
        whole = np.divide(colours[rows], opacity, out=np.zeros(colours[rows].shape), where=opacity > 0)
        divided[rows] = np.rint(whole).clip(0, 65535)
    return divided


def _all(directory: ImageFileDirectory_v2, tag: int, default: int) -> tuple[int, ...]:
    """The values of a tag, which Pillow gives as one number where there is only one."""
    value = directory.get(tag, default)
    return value if isinstance(value, tuple) else (value,)
