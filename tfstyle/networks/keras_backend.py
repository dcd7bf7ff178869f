"""Import Keras with its TensorFlow backend, regardless of the environment, and TensorFlow as it suits this processor.

KERAS_BACKEND and ~/.keras/keras.json may select another backend for other programs, whose package need not be
installed. If the program has already imported Keras, its backend is kept: Keras only reads VGG19's weights.
"""

from __future__ import annotations

import os
import sys

from tfstyle.cuda_libraries import load_cusolver
from tfstyle.errors import TfstyleError
from tfstyle.installed import check_one_tensorflow
from tfstyle.processor import AVX512, instructions

_BACKEND = "KERAS_BACKEND"
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

check_one_tensorflow()
if "tensorflow" not in sys.modules and instructions() and AVX512 not in instructions():
    # oneDNN's float32 convolutions with AVX2 take up to twice the time of TensorFlow's own (docs/performance.md).
    os.environ.setdefault(_ONEDNN, "0")
load_cusolver()
if "keras" in sys.modules:
    import keras
else:
    _before = os.environ.get(_BACKEND)
    os.environ[_BACKEND] = "tensorflow"
    try:
        import keras
    except ImportError as error:
        # Somebody imported TensorFlow, which starts Keras on the environment's backend, before the engine.
        raise TfstyleError(
            f"Keras cannot run on TensorFlow in this process ({error}): unset {_BACKEND}, or import tfstyle.engine "
            "before tensorflow"
        ) from None
    finally:
        if _before is None:
            del os.environ[_BACKEND]
        else:
            os.environ[_BACKEND] = _before

__all__ = ["keras"]
