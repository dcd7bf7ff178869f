"""Small files for the tests, and what their colours are by the definitions of the colour spaces."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

GRADIENT = np.dstack([*np.meshgrid(np.arange(0, 240, 6), np.arange(0, 180, 6)), np.full((30, 40), 90)]).astype(np.uint8)
PATCHES = np.repeat(
    np.repeat(np.array([[[220, 40, 30], [30, 180, 60]], [[60, 80, 200], [128, 128, 128]]], np.uint8), 16, 0), 16, 1
)
"""Four fields of 16 x 16 pixels."""


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(samples: np.ndarray, depth: int, colour_type: int, *chunks: bytes) -> bytes:
    """A PNG of `samples` [H, W] or [H, W, channels] as they are, with further chunks in front of the pixels."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(height, -1), axis=1)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """`png` with further chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


def chrm(*x_y: float) -> bytes:
    """White, red, green, blue."""
    return chunk(b"cHRM", struct.pack(">8i", *(round(value * 100_000) for value in x_y)))


def iccp(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))


def profile_with_red_and_blue_exchanged() -> bytes:
    """A valid ICC profile under which the first channel is blue: sRGB with two entries of its table swapped."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    entries = {bytes(data[start : start + 4]): start for start in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


def linear_profile(space: bytes) -> bytes:
    """A minimal ICC profile of linear light, for "RGB " with sRGB's primaries or for "GRAY"."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    # ICC.1 10.6: no entries mean the identity.
    identity = b"curv\0\0\0\0\0\0\0\0"
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249)}
    if space == b"GRAY":
        tags[b"kTRC"] = identity
    else:
        # Of IEC 61966-2-1 under D50, as in every sRGB profile.
        tags |= {b"rXYZ": xyz(0.4361, 0.2225, 0.0139), b"gXYZ": xyz(0.3851, 0.7169, 0.0971)}
        tags |= {b"bXYZ": xyz(0.1431, 0.0606, 0.7139), b"rTRC": identity, b"gTRC": identity, b"bTRC": identity}
    start = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(body), len(tag))
        body += tag
    white = struct.pack(">3i", 63190, 65536, 54061)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x", start + len(body), 0x02400000, b"mntr", space, b"XYZ ", b"acsp", white
    )
    return header + table + body


P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
"""Linear light, between two spaces of the same white: W3C, CSS Color 4, as the product of its two matrices."""
BT2020_TO_SRGB = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""The same, ITU-R BT.2407, 2.2."""


def srgb_to_light(samples: np.ndarray) -> np.ndarray:
    shown = samples / 255
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: np.ndarray) -> np.ndarray:
    """0..255, neither clipped nor rounded."""
    bright = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return 255 * np.where(light <= 0.0031308, 12.92 * light, bright)


def converted(samples: np.ndarray, to_light: Any, matrix: np.ndarray | None = None) -> np.ndarray:
    """`samples` 0..255 of an RGB space as sRGB, clipped to 0..255."""
    light = to_light(samples.astype(float))
    return np.clip(light_to_srgb(light if matrix is None else light @ matrix.T), 0, 255)


SRGB_TO_P3 = np.linalg.inv(P3_TO_SRGB)
D50_TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
"""XYZ under D50 to linear light in sRGB, by the Bradford transform: Lindbloom."""


def lab_to_srgb(lab: np.ndarray, darkest: float = 0.0) -> np.ndarray:
    """CIE L*a*b* under D50 [..., 3] as sRGB, clipped to 0..255.

    A grey of the lightness `darkest` (at most 8) becomes black, by the black point compensation of ISO 18619.
    """
    middle = (lab[..., 0] + 16) / 116
    roots = np.stack([middle + lab[..., 1] / 500, middle, middle - lab[..., 2] / 200], -1)
    xyz = np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29)) * (0.9642, 1, 0.8249)
    black = darkest * (3 / 29) ** 3
    xyz = (xyz - black * np.array((0.9642, 1, 0.8249))) / (1 - black)
    return np.clip(light_to_srgb(xyz @ D50_TO_SRGB.T), 0, 255)


DARKEST_INK = 5.0
"""L* of full black in `inks_in_lab`."""


def inks_in_lab(inks: np.ndarray) -> np.ndarray:
    """An invented printer: the colour of CMYK inks [..., 4] in 0..1, by `cmyk_profile` at corners and along edges."""
    cyan, magenta, yellow, black = np.moveaxis(inks, -1, 0)
    paper = 1 - black
    lightness = 100 * (1 - 0.4 * cyan) * (1 - 0.45 * magenta) * (1 - 0.1 * yellow) * paper + DARKEST_INK * black
    return np.stack([lightness, 40 * (magenta - cyan) * paper, 45 * (yellow - cyan) * paper], -1)


def cmyk_profile() -> bytes:
    """An ICC profile of a printer that is `inks_in_lab`, as a table with the 16 corners of the inks (lut16Type)."""
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), -1).reshape(-1, 4)
    lightness, a, b = inks_in_lab(corners).T
    # Of version 2: L* of 100 is 0xFF00, and a* of 0 is 0x8000.
    nodes = np.stack([lightness * 652.8, (a + 128) * 256, (b + 128) * 256], -1)
    matrix = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    table = b"mft2\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + struct.pack(">2H", 2, 2)
    table += struct.pack(">8H", *[0, 65535] * 4) + np.rint(nodes).astype(">u2").tobytes()
    table += struct.pack(">6H", *[0, 65535] * 3)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    start = 132 + 24
    entries = struct.pack(">I", 2) + b"A2B0" + struct.pack(">II", start, len(table))
    entries += b"wtpt" + struct.pack(">II", start + len(table), len(white))
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x",
        start + len(table + white),
        0x02400000,
        b"prtr",
        b"CMYK",
        b"Lab ",
        b"acsp",
        white[8:],
    )
    return header + entries + table + white
