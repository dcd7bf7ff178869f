"""RGB colour spaces defined by numbers, and ICC profiles of them for littleCMS."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]
"""CIE 1931 (x, y)."""

D65 = (0.3127, 0.3290)
_D50 = np.array([0.9642, 1.0, 0.8249])
"""XYZ of the white point of ICC's profile connection space."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_TOLERANCE = 0.001
"""Chromaticities that differ by less count as equal; files round them to 3 to 5 digits."""


@dataclass(frozen=True)
class Curve:
    """A parametric curve of ICC.1:2022, 10.18, from a sample in 0..1 to linear light in 0..1."""

    kind: int
    """ICC's function type: 0 is x ** p[0]; 3 is (p[1] x + p[2]) ** p[0] for x >= p[4], and p[3] x below."""
    parameters: tuple[float, ...]


def power(exponent: float) -> Curve:
    """The curve x ** exponent."""
    return Curve(0, (exponent,))


SRGB_CURVE = Curve(3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
BT709_CURVE = Curve(3, (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081))


@dataclass(frozen=True)
class RgbSpace:
    """Primaries, white point and curve of an RGB space. Its greys equal those of a grey space with the same curve."""

    red: Chromaticity = (0.640, 0.330)
    green: Chromaticity = (0.300, 0.600)
    blue: Chromaticity = (0.150, 0.060)
    white: Chromaticity = D65
    curve: Curve = SRGB_CURVE
    narrow_range: bool = False
    """Whether 8-bit samples range from 16 (black) to 235 (white), as in video, instead of 0 to 255."""

    def same_primaries(self, other: RgbSpace) -> bool:
        """Whether primaries and white point equal those of `other`, up to rounding."""
        mine, others = ((space.red, space.green, space.blue, space.white) for space in (self, other))
        return bool(np.abs(np.subtract(mine, others)).max() < _TOLERANCE)

    def is_srgb(self, grey: bool = False) -> bool:
        """Whether the space is sRGB, ignoring the range of samples; for `grey` samples only the curve matters."""
        return self.curve == SRGB_CURVE and (grey or self.same_primaries(SRGB))

    def icc_profile(self, grey: bool = False, name: str = "") -> bytes | None:
        """An ICC profile of this space for RGB or for `grey` samples; None if the numbers do not define a space.

        With a `name` in ASCII it is complete as ICC.1:2022 wants it in a file, not only for a conversion.
        """
        tags = {b"wtpt": _xyz(_D50)}
        try:
            if name:
                tags |= {b"desc": _text(name), b"cprt": _text("No copyright, use freely")}
                tags[b"chad"] = b"sf32\0\0\0\0" + _fixed(adaptation(_light(self.white)).ravel())
            curve = struct.pack(">4s4xHxx", b"para", self.curve.kind) + _fixed(self.curve.parameters)
            if grey:
                return _profile(b"GRAY", {**tags, b"kTRC": curve})
            for primary, column in zip(b"rgb", self._to_d50().T, strict=True):
                tags[bytes([primary]) + b"XYZ"] = _xyz(column)
                tags[bytes([primary]) + b"TRC"] = curve
        except (ArithmeticError, ValueError, struct.error, np.linalg.LinAlgError):
            return None
        return _profile(b"RGB ", tags)

    def _to_d50(self) -> NDArray[np.float64]:
        """[3, 3]: the columns are the XYZ of red, green and blue under D50."""
        with np.errstate(all="raise"):
            red, green, blue, white = (_light(each) for each in (self.red, self.green, self.blue, self.white))
            primaries = np.stack([red, green, blue], axis=1)
            matrix = primaries * np.linalg.solve(primaries, white)
            return adaptation(white) @ matrix


def _light(x_y: Chromaticity) -> NDArray[np.float64]:
    """XYZ of a chromaticity at the luminance 1."""
    x, y = x_y
    return np.array([x / y, 1, (1 - x - y) / y], np.float64)


def adaptation(white: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3]: from XYZ under a light whose XYZ is `white` to XYZ under D50, by the Bradford transform."""
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.solve(_BRADFORD, cones[:, None] * _BRADFORD)
    return adapted


SRGB = RgbSpace()
DISPLAY_P3 = RgbSpace(red=(0.680, 0.320), green=(0.265, 0.690))
SPACES: Mapping[str, RgbSpace] = {"srgb": SRGB, "display-p3": DISPLAY_P3}
"""The spaces that a picture can be computed in, by their names as options."""

_PRIMARIES = {
    1: SRGB,  # BT.709
    5: RgbSpace(green=(0.29, 0.60)),  # BT.601, 625 lines
    6: RgbSpace(red=(0.630, 0.340), green=(0.310, 0.595), blue=(0.155, 0.070)),  # BT.601, 525 lines
    7: RgbSpace(red=(0.630, 0.340), green=(0.310, 0.595), blue=(0.155, 0.070)),  # SMPTE 240M
    9: RgbSpace(red=(0.708, 0.292), green=(0.170, 0.797), blue=(0.131, 0.046)),  # BT.2020
    11: RgbSpace(red=(0.680, 0.320), green=(0.265, 0.690), white=(0.314, 0.351)),  # DCI-P3
    12: DISPLAY_P3,
}
"""ColourPrimaries of ITU-T H.273, table 2."""
_CURVES = {
    **dict.fromkeys((1, 6, 14, 15), BT709_CURVE),  # BT.709, BT.601, BT.2020 of 10 and of 12 bits
    4: power(2.2),
    5: power(2.8),
    8: power(1),
    13: SRGB_CURVE,
}
"""TransferCharacteristics of ITU-T H.273, table 3, as functions from samples to light."""
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of high dynamic range, whose light exceeds the white of standard dynamic range."""


def of_code_points(primaries: int, transfer: int, narrow_range: bool = False) -> RgbSpace | None:
    """The space given by two code points of ITU-T H.273; None if they are reserved or not supported."""
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    return replace(_PRIMARIES[primaries], curve=_CURVES[transfer], narrow_range=narrow_range)


def _fixed(values: tuple[float, ...] | NDArray[np.float64]) -> bytes:
    """`values` as ICC's s15Fixed16Number."""
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _text(text: str) -> bytes:
    """`text` as ICC's multiLocalizedUnicodeType, in English."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">4s4xII4sII", b"mluc", 1, 12, b"enUS", len(encoded), 28) + encoded


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 4.2 for a display, with `tags` by signature."""
    table = struct.pack(">I", len(tags))
    body = b""
    start = 128 + 4 + 12 * len(tags)
    for signature, data in tags.items():
        table += signature + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x", start + len(body), 0x04200000, b"mntr", space, b"XYZ ", b"acsp", _fixed(_D50)
    )
    return header + table + body
