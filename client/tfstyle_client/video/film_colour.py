"""A frame of a film in sRGB: the matrix and the range of its samples, wide primaries, and high dynamic range.

The curves are those of ITU-R BT.2100 (PQ and HLG). High dynamic range is brought down so that 203 cd/m2, the white of
graphics by ITU-R BT.2408, is nearly white; darker places stay as they are, and brighter ones keep their hue.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray

from tfstyle.inputs import Size

_SCALING = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""By the number that a file declares (ITU-T H.273)."""
_LEAST_HD = 720
"""Lines from which on a film without a declaration is taken for BT.709; below, it is BT.601."""
_WHITE = 203.0
"""cd/m2 of white in graphics."""
_PEAK = 1000.0
"""cd/m2 of the display for which HLG is meant, and which becomes white."""
_KNEE = 0.6
"""Of white: what is darker is not changed."""
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""Linear RGB with the primaries of BT.2020 to those of BT.709 (ITU-R BT.2087)."""
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)


def described(frame: VideoFrame) -> Iterator[str]:
    """What a person should know about the conversion of such frames."""
    if frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67):
        kind = "PQ" if frame.color_trc == ColorTrc.SMPTE2084 else "HLG"
        yield f"the film has a high dynamic range ({kind}); the result has the usual one"
    elif frame.color_primaries == ColorPrimaries.BT2020:
        yield "the film has the colours of BT.2020; the result has those of sRGB"
    if frame.interlaced_frame:
        yield "the film is interlaced; its fields are painted together, and moving edges look like combs"


def in_srgb(frame: VideoFrame, size: Size) -> Any:
    """The frame as uint8 [h, w, 3] at `size` (width, height), as it is stored: not turned."""
    is_hdr = frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
    is_wide = is_hdr or frame.color_primaries == ColorPrimaries.BT2020
    given: dict[str, Any] = {}
    if not _is_rgb(frame):
        usual = Colorspace.ITU709 if frame.height >= _LEAST_HD else Colorspace.ITU601
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        given = {
            "src_colorspace": _MATRICES.get(frame.colorspace, usual),
            "src_color_range": ColorRange.JPEG if full else ColorRange.MPEG,
            "dst_color_range": ColorRange.JPEG,
        }
    converted = frame.reformat(
        size[0], size[1], "rgb48le" if is_wide else "rgb24", interpolation=_SCALING, **given
    ).to_ndarray()
    if not is_wide:
        return converted
    samples = converted.astype(np.float32) / np.float32(65535)
    if frame.color_trc == ColorTrc.SMPTE2084:
        light = _pq_light(samples) / _WHITE
    elif frame.color_trc == ColorTrc.ARIB_STD_B67:
        light = _hlg_light(samples) / _WHITE
    else:
        light = samples**2.4
    return _shown(_tone_mapped(light) if is_hdr else light)


def _is_rgb(frame: VideoFrame) -> bool:
    name = frame.format.name
    return any(name.startswith(kind) for kind in ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "pal8"))


def _pq_light(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """cd/m2 of samples from 0 to 1 by PQ."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = samples ** np.float32(1 / m2)
    ratio = np.maximum(root - c1, 0) / (c2 - c3 * root)
    return np.asarray(10_000 * ratio ** np.float32(1 / m1), np.float32)


def _hlg_light(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """cd/m2 on a display of `_PEAK` of samples from 0 to 1 by HLG."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - c) / a) + b) / 12)
    luma = np.maximum(scene @ _LUMA_2020, 1e-6)[..., None]
    return np.asarray(_PEAK * luma**0.2 * scene, np.float32)


def _tone_mapped(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light relative to white, of which `_PEAK` and more becomes 1: above the knee by Reinhard's curve."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    above, white = np.maximum(brightest - _KNEE, 0) / (1 - _KNEE), (_PEAK / _WHITE - _KNEE) / (1 - _KNEE)
    curved = _KNEE + (1 - _KNEE) * above * (1 + above / white**2) / (1 + above)
    mapped = np.minimum(np.where(brightest > _KNEE, curved, brightest), 1)
    return np.asarray(light * (mapped / brightest), np.float32)


def _shown(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit sRGB of linear light with the primaries of BT.2020."""
    index = np.clip(light @ _TO_BT709.T, 0, 1) * (_TABLE_SIZE - 1)
    return np.asarray(_srgb_table()[(index + 0.5).astype(np.int32)], np.uint8)


_TABLE_SIZE = 65536


@cache
def _srgb_table() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, _TABLE_SIZE)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(encoded * 255), np.uint8)
