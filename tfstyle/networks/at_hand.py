"""The networks' files on this machine: which there are, and where VGG19's is looked for.

Imports neither TensorFlow nor NumPy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tfstyle.errors import WeightsError

LITE_FILE = "vgg19_lite.npz"
LITE_DIGEST_FILE = "vgg19_lite.sha256"
CACHED_NAME = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG19_ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{CACHED_NAME}"
"""Where Keras has VGG19's weights without the top layers: `WEIGHTS_PATH_NO_TOP` in keras/src/applications/vgg19.py."""
VGG19_MD5 = "253f8cb515780f3b799900260a226db6"
"""MD5 of that file: the `file_hash` beside the address. Keras states no stronger one."""
WEIGHTS_VARIABLE = "TFSTYLE_WEIGHTS"
HOW_TO_GET = (
    "give the path of Keras' VGG19 weights file without top layers (--weights or TFSTYLE_WEIGHTS), "
    "or fetch it once (80 MB) with tfstyle networks get vgg19"
)
PURPOSES = {
    "vgg19-lite": "small and fast; in place of vgg19 where that is not there, and for the preset fast",
    "vgg19": "the network of the published method; finer strokes, and several times the time",
}
"""What each network is for, in one line."""


@dataclass(frozen=True)
class NetworkFile:
    """A network and its file on this machine.

    `path` is None where there is none; `searched` are the places where it was looked for, in words. `origin` is the
    place where it was found. `digest` is the SHA-256 of the file, "" where there is none, and `bytes` its size.
    `remark` says what is wrong with the file or noteworthy, in one line, or "".
    """

    name: str
    purpose: str
    path: Path | None
    origin: str
    digest: str
    bytes: int
    searched: tuple[str, ...]
    remark: str


def cached_path() -> Path:
    """The path at which Keras stores downloaded weights; the file need not exist."""
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / CACHED_NAME


def path_at_hand(path: str | None) -> Path | None:
    """The weights that are available without a download: `path`, else TFSTYLE_WEIGHTS, else Keras' cache.

    Raises `WeightsError` if a path is given and the file does not exist.
    """
    named = path or os.environ.get(WEIGHTS_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise WeightsError(f"weights: there is no file {named}")
        return Path(named)
    return cached_path() if cached_path().is_file() else None


def networks_at_hand() -> Iterator[NetworkFile]:
    """Every network, with its file where there is one. Raises OSError where a file cannot be read."""
    yield _lite()
    yield _vgg19()


def _lite() -> NetworkFile:
    package = files("tfstyle.networks")
    path = Path(str(package.joinpath(LITE_FILE)))
    digest, _, size = _measured(path)
    intact = digest == package.joinpath(LITE_DIGEST_FILE).read_text("ascii").strip()
    remark = "" if intact else "the file is damaged; reinstall tfstyle"
    return NetworkFile("vgg19-lite", PURPOSES["vgg19-lite"], path, "shipped with tfstyle", digest, size, (), remark)


def _vgg19() -> NetworkFile:
    named = os.environ.get(WEIGHTS_VARIABLE)
    searched = (f"{WEIGHTS_VARIABLE} ({named or 'not set'})", *(() if named else (str(cached_path()),)))
    origin = f"named by {WEIGHTS_VARIABLE}" if named else "in Keras' cache"
    try:
        path = path_at_hand(None)
    except WeightsError:
        remark = f"{WEIGHTS_VARIABLE} names a file that does not exist; correct or unset it"
        return NetworkFile("vgg19", PURPOSES["vgg19"], None, "", "", 0, searched, remark)
    if path is None:
        return NetworkFile("vgg19", PURPOSES["vgg19"], None, "", "", 0, searched, "get it: tfstyle networks get vgg19")
    digest, md5, size = _measured(path)
    remark = "" if md5 == VGG19_MD5 else "this is not the file that Keras publishes"
    return NetworkFile("vgg19", PURPOSES["vgg19"], path, origin, digest, size, searched, remark)


def _measured(path: Path) -> tuple[str, str, int]:
    """(SHA-256, MD5, size) of a file."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(2**20):
            sha256.update(piece)
            md5.update(piece)
        return sha256.hexdigest(), md5.hexdigest(), file.tell()
