"""Memory that runs out while a transfer runs."""

from __future__ import annotations

import pytest

import tfstyle
from tfstyle import OutOfMemoryError
from tfstyle.exhaustion import explained_exhaustion
from tfstyle.inputs import content_and_style
from tfstyle.presets import resolve_options
from tfstyle.tensorflow_backend import tf


def of(kind: type[Exception], text: str) -> Exception:
    return kind(None, None, text) if issubclass(kind, tf.errors.OpError) else kind(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (tf.errors.ResourceExhaustedError, "OOM when allocating tensor with shape[1,64,4096,4096]"),
        (tf.errors.InternalError, "Failed to call cublasCreate: CUBLAS_STATUS_NOT_INITIALIZED"),
        (tf.errors.InternalError, "cudaGetErrorString: out of memory"),
        (tf.errors.UnknownError, "CUDNN_STATUS_ALLOC_FAILED"),
        (RuntimeError, "CUDA_ERROR_OUT_OF_MEMORY"),
        (MemoryError, ""),
        (RuntimeError, "ResourceExhaustedError: what another process says of it"),
        (RuntimeError, "MemoryError: "),
        (ValueError, None),
        (tf.errors.InternalError, "CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered"),
        (RuntimeError, "something else"),
    ],
)
def test_errors_that_mean_it_are_told_from_others(kind: type[Exception], text: str | None) -> None:
    error = of(kind, text) if text is not None else ValueError("out of memory, it says, but a caller is at fault")
    means_it = text is not None and "ILLEGAL" not in text and text != "something else"
    with (
        pytest.raises(OutOfMemoryError if means_it else type(error)) as caught,
        explained_exhaustion(lambda: "memory: x"),
    ):
        raise error
    if means_it:
        assert str(caught.value) == "memory: x"
        assert caught.value.__cause__ is error


@pytest.mark.slow
def test_tensorflow_itself_says_so() -> None:
    with pytest.raises(OutOfMemoryError), explained_exhaustion(lambda: "memory: x"):
        tf.zeros([2**22, 2**22])


def test_a_transfer_names_the_size_and_the_fix(
    landscape: bytes, painting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style")
    options = resolve_options("fast", {"size": 48, "steps": 3, "coarsest_scale": 0})
    transfer = tfstyle.Engine().prepare(content_and_style(*pictures), options)

    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    with monkeypatch.context() as during_preparation:
        during_preparation.setattr(tfstyle.engine, "scaled_inputs", full)
        with pytest.raises(OutOfMemoryError, match=r"too little to prepare pictures of 1\.2 megapixels"):
            tfstyle.Engine().prepare(content_and_style(*pictures), options)
    monkeypatch.setattr(transfer, "_evaluate", full)
    with pytest.raises(OutOfMemoryError, match=r"^memory: this machine had too little for 48 x 32 pixels \(0\.\d GB"):
        next(transfer.iterates())
    monkeypatch.setattr(transfer, "judge", full)
    with pytest.raises(OutOfMemoryError, match="smaller size, or a lower limit of memory"):
        transfer.deliver()
