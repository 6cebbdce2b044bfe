"""onnxruntime with types: the only module that imports it."""

# onnxruntime carries no types, so what it gives is unknown here, and typed for everybody else.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from vestige.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


# Everything that onnxruntime raises over a network; they have no base class but Exception.
LOAD_ERRORS: Final[tuple[type[Exception], ...]] = (
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoSuchFile,
    native.NotImplemented,
    native.RuntimeException,
)


class OnnxSession(Protocol):
    """A loaded network; `run` may be called from several threads at once."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        """Compute the named outputs."""
        ...


def open_session(network: Path) -> OnnxSession:
    """Load a network for one thread per call.

    More threads inside a call cost more than they bring at these sizes, and would make the order
    of a sum, hence the last bits of a vector, depend on the machine. It is loaded from its file
    because loading from bytes keeps them: 25 MB for as long as the process lives.

    Raises:
        EmbeddingError: onnxruntime cannot load the network.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            str(network), options, providers=["CPUExecutionProvider"]
        )
    except LOAD_ERRORS as error:
        raise EmbeddingError(
            f"onnxruntime {onnxruntime.__version__} cannot load {network}: {error}",
            "Install a newer one: `pip install --upgrade onnxruntime`.",
        ) from error
    return cast("OnnxSession", session)
