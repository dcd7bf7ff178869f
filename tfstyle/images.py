"""Decode, resize and encode pictures, within limits that are checked before any pixel is decoded."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from tfstyle.errors import InvalidInputError, Violation

FORMATS = ("PNG", "JPEG", "WEBP")
SMALLEST_SIDE = 16
"""Pixels a side needs for one position to be left in the fifth block of VGG19."""


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may cost: `bytes` encoded, and `pixels` that its header declares."""

    bytes: int = 64 * 2**20
    pixels: int = 100_000_000


@dataclass(frozen=True)
class Picture:
    """`pixels` [H, W, 3] uint8 sRGB, upright; `alpha` [H, W] uint8 where the file had transparency."""

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def decode(data: bytes, field: str, limits: ImageLimits | None = None) -> Picture:
    """Decode PNG, JPEG or WebP `data` to upright sRGB.

    `field` names the input in errors ("content", "style"). The EXIF orientation is applied, an
    embedded ICC profile is converted to sRGB, 16-bit samples are reduced to 8.
    Raises `InvalidInputError` for anything that is not one whole still picture within `limits`.
    """
    limits = limits or ImageLimits()

    def refuse(why: str) -> InvalidInputError:
        return InvalidInputError([Violation(field, why)])

    if not data:
        raise refuse("is empty; send a PNG, JPEG or WebP picture")
    if len(data) > limits.bytes:
        raise refuse(f"is {len(data):,} bytes; at most {limits.bytes:,} are accepted")
    try:
        with warnings.catch_warnings():
            # Our own limit on declared pixels, checked below, replaces Pillow's warning at 89 megapixels.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise refuse("is not a PNG, JPEG or WebP picture") from None
    except Image.DecompressionBombError:
        raise refuse(f"declares too many pixels; at most {limits.pixels:,} are accepted") from None
    except Exception as error:  # Pillow's readers raise many types on damaged headers
        raise refuse(f"is damaged: {_one_line(error)}") from None
    width, height = image.size
    if width * height > limits.pixels:
        raise refuse(f"declares {width} x {height} pixels; at most {limits.pixels:,} are accepted")
    if min(width, height) < SMALLEST_SIDE:
        raise refuse(f"is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}")
    if getattr(image, "n_frames", 1) > 1:
        raise refuse(f"is an animation of {getattr(image, 'n_frames', 1)} frames; send a still picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd metadata do not concern the pixels
            image.load()
            image = ImageOps.exif_transpose(image)
            alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
            pixels = np.array(_to_srgb(image))
    except Exception as error:  # as above, for damaged bodies
        raise refuse(f"is damaged or cut short: {_one_line(error)}") from None
    return Picture(pixels, None if alpha is None else np.array(alpha))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _to_srgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow converts 16-bit grey to 8 bits by clipping, not by scaling.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that is damaged or for another colour model says nothing; browsers ignore it too
    return image.convert("RGBA").convert("RGB") if image.mode == "P" else image.convert("RGB")


def fit_longer_side(size: tuple[int, int], longer: int, field: str) -> tuple[int, int]:
    """(width, height) scaled so that the longer side is `longer` pixels, the aspect kept.

    Raises `InvalidInputError`, naming `field`, when the shorter side would be under `SMALLEST_SIDE`.
    """
    scale = longer / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    if min(width, height) < SMALLEST_SIDE:
        why = f"would be {width} x {height} pixels at this size; each side needs at least {SMALLEST_SIDE}"
        raise InvalidInputError([Violation(field, f"{why}: choose a larger size or a less narrow picture")])
    return width, height


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """`picture` at `size` (width, height), by Pillow's antialiased bilinear filter."""
    if picture.size == size:
        return picture

    def scaled(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.array(Image.fromarray(array).resize(size, Image.Resampling.BILINEAR))

    return Picture(scaled(picture.pixels), None if picture.alpha is None else scaled(picture.alpha))


def encode_png(picture: Picture) -> bytes:
    """`picture` as the bytes of a PNG file: RGB, or RGBA where it has alpha."""
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
