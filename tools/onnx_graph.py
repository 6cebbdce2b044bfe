"""Writing an ONNX file node by node: the only module that imports onnx."""

# onnx is not among the project's dependencies, so it is unknown where the project is checked.
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Element types as the ONNX format numbers them.
FLOAT32: Final = 1
INT32: Final = 6
INT64: Final = 7

MICROSOFT: Final = "com.microsoft"  # operators that onnxruntime adds to the standard ones


class Graph:
    """The nodes and constants of a network, in the order in which they were added.

    Args:
        name: the name that the file gives it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, value: object, dtype: type[np.generic]) -> str:
        """Add a constant unless one of this name is there, and return its name."""
        if name not in self._constants:
            array = np.asarray(value, dtype=dtype, order="C")
            self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def floats(self, name: str, value: object) -> str:
        """Add a float32 constant."""
        return self.constant(name, value, np.float32)

    def integers(self, name: str, value: object) -> str:
        """Add an int64 constant."""
        return self.constant(name, value, np.int64)

    def add(
        self, kind: str, *inputs: str, output: str | None = None, domain: str = "", **options: Any
    ) -> str:
        """Add a node with one output and return the output's name."""
        return self._add(kind, inputs, [output or f"{kind}_{self._next}"], domain, options)[0]

    def split(self, value: str, sizes: str, count: int) -> list[str]:
        """Cut the last axis into `count` parts and return their names."""
        outputs = [f"Split_{self._next}_{i}" for i in range(count)]
        return self._add("Split", (value, sizes), outputs, "", {"axis": -1})

    def serialize(
        self,
        *,
        inputs: Sequence[str],
        outputs: Mapping[str, Sequence[str | int]],
        metadata: Mapping[str, str],
    ) -> bytes:
        """Check the graph and return it as the bytes of an ONNX file.

        Args:
            inputs: names of the int64 inputs of shape (batch, seq).
            outputs: shape of each float32 output.
            metadata: what the file says about itself.
        """
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [info(name, INT64, ["batch", "seq"]) for name in inputs],
            [info(name, FLOAT32, shape) for name, shape in outputs.items()],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=8,
            # Part of the bytes: another name here would be another checksum.
            producer_name="export_minilm",
            producer_version="1",
        )
        for key, value in metadata.items():
            model.metadata_props.add(key=key, value=value)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    @property
    def _next(self) -> int:
        return len(self._nodes) + 1

    def _add(
        self,
        kind: str,
        inputs: tuple[str, ...],
        outputs: list[str],
        domain: str,
        options: dict[str, Any],
    ) -> list[str]:
        node = helper.make_node(
            kind, list(inputs), outputs, name=f"n{self._next}", domain=domain, **options
        )
        self._nodes.append(node)
        return outputs
