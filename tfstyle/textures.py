"""Make a texture in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tfstyle.canvas import canvas, texture_options
from tfstyle.engine import Stylized, stylize
from tfstyle.inputs import File, Size, Style
from tfstyle.iterate import Iterate


def texture(
    style: File | Style[File] | Iterable[File | Style[File]],
    size: Size,
    *,
    preset: str = "default",
    weights: str | None = None,
    on_iterate: Callable[[Iterate], None] | None = None,
    **overrides: object,
) -> Stylized:
    """A picture of `size` (width, height) in the style of the painting `style`, without any photo.

    `style`, `preset`, `weights`, `on_iterate` and `overrides` are as in `tfstyle.stylize`; with `seamless`, copies of
    the texture fit together. Options of the photo, such as `content_weight` and `strength`, are refused. Raises
    `InvalidInputError`, `WeightsError`.
    """
    options = texture_options(size, preset, overrides)
    return stylize(canvas(size), style, preset=preset, weights=weights, on_iterate=on_iterate, **options)
