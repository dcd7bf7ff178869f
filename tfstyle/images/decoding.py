"""Decode pictures within limits, which are checked before any pixel is decoded."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from tfstyle.depth import Samples
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import box_colour, heif, png_chunks, tiff, webp_header, wide_tiff
from tfstyle.images.colour_management import Space, to_srgb
from tfstyle.images.formats import ACCEPTED, UnsupportedError, recognise
from tfstyle.images.jpeg_end import LACKS_END, lacks_end, read_without_end
from tfstyle.images.limits import SMALLEST_SIDE, ImageLimits
from tfstyle.images.picture import Picture
from tfstyle.images.rgb_space import SPACES
from tfstyle.images.samples import separate
from tfstyle.images.taken import Taken, taken_from
from tfstyle.images.transparency import OPAQUE, fill_hidden
from tfstyle.images.wide_colour import to_space
from tfstyle.images.wide_samples import WideSamples, read_png, widened
from tfstyle.options import SRGB

COUNTED_BYTES = 4 * 2**20
"""Size of a GIF up to which its frames are counted, because Pillow reads the whole file for that."""
_INVISIBLE = "is fully transparent; nothing in it is visible"
_ORIENTATION, _ICC_PROFILE = 274, 34675


def decode(data: bytes, field: str, limits: ImageLimits | None = None, colour_space: str = SRGB) -> Picture:
    """Decode a PNG, JPEG, WebP, AVIF, HEIC, TIFF, BMP or GIF file, upright and in `colour_space`.

    `field` names the input in errors ("content", "style"). The EXIF orientation is applied, and the declared colour
    space is converted to `colour_space`, "srgb" or "display-p3". Samples are 8-bit, or 16-bit if those of the file have
    more than 8 bits, or are converted to another space than sRGB. Invisible pixels get colours that continue the
    visible ones. Of a JPEG or HEIC file with several pictures, the main one is decoded. HEIC needs pillow-heif.
    Raises `InvalidInputError` for anything that is not one whole still picture within `limits`.
    """
    limits = limits or ImageLimits()
    try:
        with warnings.catch_warnings():
            # Pillow's warnings about metadata do not concern the pixels; our own pixel limit replaces Pillow's.
            warnings.simplefilter("ignore")
            return replace(_decode(data, limits, colour_space), digest=hashlib.sha256(data).hexdigest())
    except UnsupportedError as error:
        raise InvalidInputError([Violation(field, str(error))]) from None
    except MemoryError:
        why = "needs more memory to decode than a picture of its size should"
        raise InvalidInputError([Violation(field, why)]) from None
    except Exception as error:  # Pillow's readers raise many types on damaged files
        raise InvalidInputError([Violation(field, f"is damaged or cut short: {_one_line(error)}")]) from None


def _decode(data: bytes, limits: ImageLimits, colour_space: str) -> Picture:
    if not data:
        raise UnsupportedError(f"is empty; send {ACCEPTED}")
    if len(data) > limits.bytes:
        raise UnsupportedError(f"is {len(data):,} bytes; at most {limits.bytes:,} are accepted")
    kind = recognise(data)
    if kind == "WEBP" and (size := webp_header.declared_size(data)):
        _check_size(size, limits)
    if kind == "TIFF" and wide_tiff.is_wide(directory := tiff.first_directory(data)):
        return _wide_tiff(data, directory, limits, colour_space)
    image = _open(data, kind, limits)
    _check_size(image.size, limits)
    _check_still(image, data)
    chunks = png_chunks.chunks_before_pixels(data) if kind == "PNG" else {}
    spaces = _declared_spaces(image, data, kind, chunks)
    if kind == "PNG" and chunks[b"IHDR"][8] == 16:
        exif = image.getexif() if png_chunks.may_have_exif(data) else Image.Exif()
        del image
        return _wide_picture(read_png(data).upright(exif.get(_ORIENTATION, 1)), spaces, colour_space, taken_from(exif))
    # Rebind one name, so that each step frees the image of the previous step.
    image, remarks = _load(image, data)
    taken = taken_from(image.getexif())
    image = ImageOps.exif_transpose(image)
    image, alpha = separate(image, chunks[b"IHDR"][8] if kind == "PNG" else 8)
    if alpha is not None and not alpha.any():
        if kind != "BMP":
            raise UnsupportedError(_INVISIBLE)
        alpha = None  # many programs leave the fourth byte of a BMP's pixels at 0
    if colour_space != SRGB:
        return _wide_picture(widened(image, alpha), spaces, colour_space, taken, remarks)
    image = to_srgb(image, spaces)
    pixels = np.array(image)
    del image
    return Picture(pixels if alpha is None else fill_hidden(pixels, alpha), alpha, remarks, taken=taken)


def _wide_tiff(data: bytes, directory: ImageFileDirectory_v2, limits: ImageLimits, colour_space: str) -> Picture:
    size = tiff.declared_size(directory)
    _check_size(size, limits)
    tiff.check_single_photo(directory, data)
    profile = directory.get(_ICC_PROFILE)
    taken = taken_from(tiff.exif_of(data, directory))
    return _wide_picture(
        wide_tiff.read_tiff(data, directory, size).upright(directory.get(_ORIENTATION, 1)),
        (profile,) if profile else (),
        colour_space,
        taken,
    )


def _wide_picture(
    samples: WideSamples,
    spaces: tuple[Space, ...],
    colour_space: str,
    taken: Taken | None,
    remarks: tuple[str, ...] = (),
) -> Picture:
    # A copy, because the colours would stay in memory with it.
    alpha = None if samples.alpha is None else samples.alpha.copy()
    if alpha is not None and not alpha.any():
        raise UnsupportedError(_INVISIBLE)
    pixels: Samples = to_space(samples, spaces, SPACES[colour_space])
    del samples
    if alpha is not None:
        pixels = fill_hidden(pixels, alpha * (OPAQUE / np.float32(65535)))
    return Picture(pixels, alpha, remarks, colour_space, taken)


def _open(data: bytes, kind: str, limits: ImageLimits) -> Image.Image:
    """The picture, its header read, by Pillow's reader for `kind` and no other."""
    try:
        if kind == "JPEG":
            # Not by `Image.open`, which looks for further pictures and fails if their index is damaged.
            return JpegImageFile(io.BytesIO(data))
        if kind == "HEIF":
            return heif.opened(data)
        return Image.open(io.BytesIO(data), formats=(kind,))
    except (UnidentifiedImageError, SyntaxError):
        name = {"WEBP": "WebP", "HEIF": "HEIC"}.get(kind, kind)
        raise UnsupportedError(f"is {name}, but its header is damaged or of an unsupported kind") from None
    except Image.DecompressionBombError:
        raise UnsupportedError(f"declares too many pixels; at most {limits.pixels:,} are accepted") from None


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.pixels:
        raise UnsupportedError(f"declares {width} x {height} pixels; at most {limits.pixels:,} are accepted")
    if min(width, height) < SMALLEST_SIDE:
        raise UnsupportedError(f"is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}")


def _check_still(image: Image.Image, data: bytes) -> None:
    if isinstance(image, TiffImageFile):
        tiff.check_single_photo(image.tag_v2, data)
        return
    if image.format == "HEIF":
        return  # its further pictures are parts and variants of the main one
    if isinstance(image, GifImageFile) and len(data) > COUNTED_BYTES and image.is_animated:
        raise UnsupportedError("is an animation; send a still picture")
    # An animated PNG may contain a default picture that is not one of its frames.
    frames = getattr(image, "n_frames", 1) - bool(getattr(image, "default_image", False))
    if frames > 1:
        raise UnsupportedError(f"is an animation of {frames:,} frames; send a still picture")


def _declared_spaces(image: Image.Image, data: bytes, kind: str, chunks: dict[bytes, bytes]) -> tuple[Space, ...]:
    profile = image.info.get("icc_profile")
    if kind == "PNG":
        return png_chunks.declared_spaces(chunks, profile)
    if kind in ("AVIF", "HEIF"):
        return box_colour.declared_spaces(data, profile)
    return (profile,) if profile else ()


def _load(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """The decoded picture, and warnings about it."""
    # Pillow reads some files without an end marker and rejects others as damaged.
    if isinstance(image, JpegImageFile) and lacks_end(data):
        return read_without_end(data), (LACKS_END,)
    image.load()
    return image, ()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
