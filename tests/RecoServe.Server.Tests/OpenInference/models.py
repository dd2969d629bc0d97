"""Writes plain ONNX graphs of different signatures into a model repository: models.py REPOSITORY."""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write(repository, name, nodes, inputs, outputs, initializers=(), imports=(("", 17),), config=None):
    directory = os.path.join(repository, name, "1")
    os.makedirs(directory)
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*o) for o in outputs],
        [numpy_helper.from_array(array, key) for key, array in initializers],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in imports], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(directory, "model.onnx"))
    if config:
        with open(os.path.join(directory, "config.json"), "w") as file:
            file.write(config)


def main(repository):
    node, random = helper.make_node, np.random.default_rng(1)
    # A dense layer.
    write(
        repository, "dense",
        [node("Gemm", ["x", "w", "b"], ["z"]), node("Relu", ["z"], ["y"])],
        [("x", TensorProto.FLOAT, ["n", 8])], [("y", TensorProto.FLOAT, ["n", 3])],
        [("w", random.normal(size=(8, 3)).astype(np.float32)), ("b", random.normal(size=3).astype(np.float32))],
    )
    # Ids of any length, two outputs of different types.
    write(
        repository, "embedding",
        [
            node("Gather", ["table", "ids"], ["rows"]),
            node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
            node("ArgMax", ["mean"], ["best"], axis=1, keepdims=0),
        ],
        [("ids", TensorProto.INT64, ["n", "length"])],
        [("mean", TensorProto.FLOAT, ["n", 4]), ("best", TensorProto.INT64, ["n"])],
        [("table", random.normal(size=(50, 4)).astype(np.float32))],
        config='{ "max_batch_size": 4 }',
    )
    # Text in, numbers and text out.
    write(
        repository, "labels",
        [
            node("LabelEncoder", ["text"], ["code"], domain="ai.onnx.ml", keys_strings=["a", "b", "c"], values_int64s=[1, 2, 3], default_int64=-1),
            node("Identity", ["text"], ["same"]),
        ],
        [("text", TensorProto.STRING, ["n", "words"])],
        [("code", TensorProto.INT64, ["n", "words"]), ("same", TensorProto.STRING, ["n", "words"])],
        imports=(("", 17), ("ai.onnx.ml", 2)),
    )
    # An image and a number of another type for each row.
    write(
        repository, "image",
        [node("Conv", ["image", "kernel"], ["features"]), node("Cast", ["scale"], ["factor"], to=TensorProto.FLOAT),
         node("Reshape", ["factor", "four"], ["broad"]), node("Mul", ["features", "broad"], ["y"])],
        [("image", TensorProto.FLOAT, ["n", 2, 6, 6]), ("scale", TensorProto.DOUBLE, ["n"])],
        [("y", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [("kernel", random.normal(size=(3, 2, 3, 3)).astype(np.float32)), ("four", np.array([-1, 1, 1, 1], dtype=np.int64))],
    )
    # Fixed shapes: not batched.
    write(
        repository, "fixed",
        [node("MatMul", ["a", "b"], ["y"]), node("ReduceSum", ["y"], ["sum"], keepdims=0)],
        [("a", TensorProto.DOUBLE, [2, 3]), ("b", TensorProto.DOUBLE, [3, 2])],
        [("y", TensorProto.DOUBLE, [2, 2]), ("sum", TensorProto.DOUBLE, [])],
    )
    # Every type that the protocol has a name for.
    types = ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FLOAT16", "FLOAT", "DOUBLE", "BFLOAT16", "STRING"]
    write(
        repository, "types",
        [node("Identity", ["in_" + t], ["out_" + t]) for t in types],
        [("in_" + t, getattr(TensorProto, t), ["n", 2]) for t in types],
        [("out_" + t, getattr(TensorProto, t), ["n", 2]) for t in types],
    )


if __name__ == "__main__":
    main(sys.argv[1])
