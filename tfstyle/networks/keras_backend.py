"""Import Keras with its TensorFlow backend, regardless of the environment.

KERAS_BACKEND and ~/.keras/keras.json may select another backend for other programs, but the engine needs TensorFlow.
If the program has already imported Keras, its backend is kept: the networks run on any backend, the engine does not.
"""

from __future__ import annotations

import os
import sys

from tfstyle.errors import TfstyleError

_VARIABLE = "KERAS_BACKEND"

if "keras" in sys.modules:
    import keras
else:
    _before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "tensorflow"
    try:
        import keras
    except ImportError as error:
        # Somebody imported TensorFlow, which starts Keras on the environment's backend, before the engine.
        raise TfstyleError(
            f"Keras cannot run on TensorFlow in this process ({error}): unset {_VARIABLE}, or import tfstyle.engine "
            "before tensorflow"
        ) from None
    finally:
        if _before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = _before

__all__ = ["keras", "require_tensorflow"]


def require_tensorflow() -> None:
    """Raise `TfstyleError` if Keras uses another backend in this process."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise TfstyleError(
            f"Keras runs on {backend} in this process, and the engine needs TensorFlow: set KERAS_BACKEND=tensorflow, "
            "or import tfstyle.engine before keras"
        )
