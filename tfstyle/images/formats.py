"""Recognise the format of a file by its first bytes, never by its name."""

from __future__ import annotations

import warnings

from PIL import features

from tfstyle.images import heif

ACCEPTED = "a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF picture"

_MAGIC: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("PNG", 0, (b"\x89PNG\r\n\x1a\n",)),
    ("JPEG", 0, (b"\xff\xd8\xff",)),
    ("GIF", 0, (b"GIF87a", b"GIF89a")),
    # BigTIFF after TIFF.
    ("TIFF", 0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    # Identified by the size of the second header, because the two letters at the start could also begin a text.
    ("BMP", 14, tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))),
)
_CONVERT = "convert it to JPEG or PNG"
_EXPORT = "export it as PNG or TIFF"
_DEVELOP = "develop it and send a TIFF or JPEG"
_KNOWN: tuple[tuple[str, str, int, tuple[bytes, ...]], ...] = (
    ("JPEG XL", _CONVERT, 0, (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    ("JPEG 2000", _CONVERT, 0, (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")),
    ("JPEG XR", _CONVERT, 0, (b"II\xbc",)),
    ("a Photoshop document", _EXPORT, 0, (b"8BPS",)),
    ("a GIMP document", _EXPORT, 0, (b"gimp xcf",)),
    ("OpenEXR", "convert it to SDR, as PNG or TIFF", 0, (b"\x76\x2f\x31\x01",)),
    ("Radiance HDR", "convert it to SDR, as PNG or TIFF", 0, (b"#?RADIANCE", b"#?RGBE")),
    ("PDF", "export the page as PNG", 0, (b"%PDF-",)),
    ("PostScript", "export the page as PNG", 0, (b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("a Windows icon", _EXPORT, 0, (b"\0\0\x01\0",)),
    ("raw camera data (Canon CR2)", _DEVELOP, 8, (b"CR\x02",)),
    ("raw camera data", _DEVELOP, 0, (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")),
    ("a video", "send one frame as PNG or JPEG", 0, (b"\x1a\x45\xdf\xa3", b"\0\0\x01\xba", b"FLV\x01")),
    ("a video", "send one frame as PNG or JPEG", 8, (b"AVI ",)),
    ("a ZIP archive", "send the picture in it", 0, (b"PK\x03\x04",)),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


class UnsupportedError(ValueError):
    """A file that is not supported. `str()` completes a sentence about the file ("is HEIC; ...") and names the fix."""

    @classmethod
    def for_hdr(cls, transfer: str) -> UnsupportedError:
        """The error for a file whose samples have the `transfer` "PQ" or "HLG"."""
        return cls(f"is HDR ({transfer}); convert it to SDR, for example to sRGB")


def recognise(data: bytes) -> str:
    """Pillow's name for the format of `data`, one of the accepted formats.

    Raises `UnsupportedError` for every other file, naming its format if it is a well-known one.
    """
    for name, fix, start, signatures in _KNOWN:
        if data.startswith(signatures, start):
            raise UnsupportedError(f"is {name}; {fix}")
    if data[4:8] == b"ftyp":
        return _recognise_boxes(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for name, start, signatures in _MAGIC:
        if data.startswith(signatures, start) and (name != "BMP" or data.startswith(b"BM")):
            return name
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text:
        raise UnsupportedError("is SVG; export it as PNG")
    if text.startswith((b"<!doctype html", b"<html")):
        raise UnsupportedError("is a web page; save the picture itself")
    raise UnsupportedError(f"is not {ACCEPTED}")


def _recognise_boxes(data: bytes) -> str:
    """As `recognise`, for the ISO base media file format, which lists its brands in the first box."""
    listed = data[16 : min(int.from_bytes(data[:4], "big"), 1024)]
    brands = {data[8:12], *(listed[start : start + 4] for start in range(0, len(listed), 4))}
    if brands & _AVIF_BRANDS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow before 11.3 does not know this feature
            if features.check("avif"):
                return "AVIF"
        raise UnsupportedError(f"is AVIF, which the installed Pillow cannot read; {_CONVERT}")
    if brands & _HEIC_BRANDS:
        if heif.is_readable():
            return "HEIF"
        install = "install its reader where pictures are made (pip install 'tfstyle[heic]')"
        raise UnsupportedError(f"is HEIC; {install}, or {_CONVERT}")
    if brands & {b"mif1", b"msf1"}:
        raise UnsupportedError(f"is HEIF of an unusual kind; {_CONVERT}")
    if b"crx " in brands:
        raise UnsupportedError(f"is raw camera data (Canon CR3); {_DEVELOP}")
    raise UnsupportedError("is a video; send one frame as PNG or JPEG")
