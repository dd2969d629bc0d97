"""A client of the Open Inference Protocol that shares nothing with the server: client.py ADDRESS CASES

The messages are built here from the public field numbers. CASES is a JSON list of
{model, inputs: [tensor], outputs: [tensor]}, tensor = {name, datatype, shape, data: base64 of raw contents}.
Each case is asked raw and, where its types allow, typed; the answers must be those of the case.
"""
import base64
import json
import struct
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto
MESSAGES = {
    "Empty": [],
    "Live": [("live", 1, F.TYPE_BOOL)],
    "Ready": [("ready", 1, F.TYPE_BOOL)],
    "Model": [("name", 1, F.TYPE_STRING), ("version", 2, F.TYPE_STRING)],
    "Server": [("name", 1, F.TYPE_STRING), ("version", 2, F.TYPE_STRING), ("extensions", 3, F.TYPE_STRING, True)],
    "TensorMetadata": [("name", 1, F.TYPE_STRING), ("datatype", 2, F.TYPE_STRING), ("shape", 3, F.TYPE_INT64, True)],
    "Metadata": [
        ("name", 1, F.TYPE_STRING), ("versions", 2, F.TYPE_STRING, True), ("platform", 3, F.TYPE_STRING),
        ("inputs", 4, "TensorMetadata", True), ("outputs", 5, "TensorMetadata", True),
    ],
    "Contents": [
        ("bool_contents", 1, F.TYPE_BOOL, True), ("int_contents", 2, F.TYPE_INT32, True), ("int64_contents", 3, F.TYPE_INT64, True),
        ("uint_contents", 4, F.TYPE_UINT32, True), ("uint64_contents", 5, F.TYPE_UINT64, True), ("fp32_contents", 6, F.TYPE_FLOAT, True),
        ("fp64_contents", 7, F.TYPE_DOUBLE, True), ("bytes_contents", 8, F.TYPE_BYTES, True),
    ],
    "Tensor": [("name", 1, F.TYPE_STRING), ("datatype", 2, F.TYPE_STRING), ("shape", 3, F.TYPE_INT64, True), ("contents", 5, "Contents")],
    "Wanted": [("name", 1, F.TYPE_STRING)],
    "Request": [
        ("model_name", 1, F.TYPE_STRING), ("model_version", 2, F.TYPE_STRING), ("id", 3, F.TYPE_STRING),
        ("inputs", 5, "Tensor", True), ("outputs", 6, "Wanted", True), ("raw_input_contents", 7, F.TYPE_BYTES, True),
    ],
    "Response": [
        ("model_name", 1, F.TYPE_STRING), ("model_version", 2, F.TYPE_STRING), ("id", 3, F.TYPE_STRING),
        ("outputs", 5, "Tensor", True), ("raw_output_contents", 6, F.TYPE_BYTES, True),
    ],
    "Duration": [("count", 1, F.TYPE_UINT64), ("ns", 2, F.TYPE_UINT64)],
    "InferStatistics": [("success", 1, "Duration"), ("fail", 2, "Duration"), ("queue", 3, "Duration"), ("compute_infer", 5, "Duration")],
    "BatchStatistics": [("batch_size", 1, F.TYPE_UINT64), ("compute_infer", 3, "Duration")],
    "Statistics": [
        ("name", 1, F.TYPE_STRING), ("version", 2, F.TYPE_STRING), ("last_inference", 3, F.TYPE_UINT64), ("inference_count", 4, F.TYPE_UINT64),
        ("execution_count", 5, F.TYPE_UINT64), ("inference_stats", 6, "InferStatistics"), ("batch_stats", 7, "BatchStatistics", True),
    ],
    "AllStatistics": [("model_stats", 1, "Statistics", True)],
    "ConfigInput": [("name", 1, F.TYPE_STRING), ("data_type", 2, F.TYPE_INT32), ("dims", 4, F.TYPE_INT64, True)],
    "ConfigOutput": [("name", 1, F.TYPE_STRING), ("data_type", 2, F.TYPE_INT32), ("dims", 3, F.TYPE_INT64, True)],
    "Config": [
        ("name", 1, F.TYPE_STRING), ("platform", 2, F.TYPE_STRING), ("max_batch_size", 4, F.TYPE_INT32),
        ("input", 5, "ConfigInput", True), ("output", 6, "ConfigOutput", True), ("backend", 17, F.TYPE_STRING),
    ],
    "ConfigResponse": [("config", 1, "Config")],
    "IndexRequest": [("repository_name", 1, F.TYPE_STRING), ("ready", 2, F.TYPE_BOOL)],
    "Index": [("name", 1, F.TYPE_STRING), ("version", 2, F.TYPE_STRING), ("state", 3, F.TYPE_STRING), ("reason", 4, F.TYPE_STRING)],
    "IndexResponse": [("models", 1, "Index", True)],
    "Repository": [("repository_name", 1, F.TYPE_STRING), ("model_name", 2, F.TYPE_STRING)],
}
METHODS = {
    "ServerLive": ("Empty", "Live"), "ServerReady": ("Empty", "Ready"), "ModelReady": ("Model", "Ready"), "ServerMetadata": ("Empty", "Server"),
    "ModelMetadata": ("Model", "Metadata"), "ModelInfer": ("Request", "Response"), "ModelConfig": ("Model", "ConfigResponse"),
    "ModelStatistics": ("Model", "AllStatistics"), "RepositoryIndex": ("IndexRequest", "IndexResponse"),
    "RepositoryModelLoad": ("Repository", "Empty"), "RepositoryModelUnload": ("Repository", "Empty"),
    "SystemSharedMemoryStatus": ("Empty", "Empty"),
}
# Datatype: typed contents, and the format of an element.
TYPED = {
    "BOOL": ("bool_contents", "?"), "INT8": ("int_contents", "b"), "INT16": ("int_contents", "h"), "INT32": ("int_contents", "i"),
    "INT64": ("int64_contents", "q"), "UINT8": ("uint_contents", "B"), "UINT16": ("uint_contents", "H"), "UINT32": ("uint_contents", "I"),
    "UINT64": ("uint64_contents", "Q"), "FP32": ("fp32_contents", "f"), "FP64": ("fp64_contents", "d"), "BYTES": ("bytes_contents", None),
}
CODES = {"BOOL": 1, "UINT8": 2, "UINT16": 3, "UINT32": 4, "UINT64": 5, "INT8": 6, "INT16": 7, "INT32": 8, "INT64": 9, "FP16": 10, "FP32": 11,
         "FP64": 12, "BYTES": 13, "BF16": 14}


def classes():
    file = descriptor_pb2.FileDescriptorProto(name="client.proto", package="client", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            label = F.LABEL_REPEATED if len(field) > 3 else F.LABEL_OPTIONAL
            if isinstance(field[2], str):
                message.field.add(name=field[0], number=field[1], type=F.TYPE_MESSAGE, type_name=".client." + field[2], label=label)
            else:
                message.field.add(name=field[0], number=field[1], type=field[2], label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName("client." + name)) for name in MESSAGES}


TYPES = classes()


def unpack(datatype, raw):
    if datatype != "BYTES":
        form = TYPED[datatype][1]
        return list(struct.unpack("<%d%s" % (len(raw) // struct.calcsize("<" + form), form), raw))
    elements = []
    while raw:
        (length,) = struct.unpack_from("<I", raw)
        elements.append(raw[4:4 + length])
        raw = raw[4 + length:]
    return elements


class Client:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.checks = 0

    def call(self, method, **fields):
        request, response = METHODS[method]
        stub = self.channel.unary_unary(
            "/inference.GRPCInferenceService/" + method, TYPES[request].SerializeToString, TYPES[response].FromString)
        return stub(TYPES[request](**fields), timeout=30)

    def check(self, condition, what):
        if not condition:
            raise SystemExit("FAILED: " + what)
        self.checks += 1

    def infer(self, case, raw, wanted):
        tensors, data = [], []
        for tensor in case["inputs"]:
            fields = {k: tensor[k] for k in ("name", "datatype", "shape")}
            bytes_ = base64.b64decode(tensor["data"])
            if raw:
                data.append(bytes_)
            else:
                fields["contents"] = TYPES["Contents"](**{TYPED[tensor["datatype"]][0]: unpack(tensor["datatype"], bytes_)})
            tensors.append(TYPES["Tensor"](**fields))
        return self.call(
            "ModelInfer", model_name=case["model"], id="q1", inputs=tensors, raw_input_contents=data,
            outputs=[TYPES["Wanted"](name=t["name"]) for t in wanted])

    def compare(self, case, raw, wanted):
        answer = self.infer(case, raw, wanted)
        what = "%s, %s" % (case["model"], "raw" if raw else "typed")
        self.check((answer.model_name, answer.model_version, answer.id) == (case["model"], "1", "q1"), what + ": who answered")
        self.check([t.name for t in answer.outputs] == [t["name"] for t in wanted], what + ": outputs")
        for i, (actual, expected) in enumerate(zip(answer.outputs, wanted)):
            self.check((actual.datatype, list(actual.shape)) == (expected["datatype"], expected["shape"]), what + ": shape of " + actual.name)
            bytes_ = base64.b64decode(expected["data"])
            if answer.raw_output_contents:
                equal = answer.raw_output_contents[i] == bytes_
            else:
                equal = list(getattr(actual.contents, TYPED[actual.datatype][0])) == unpack(actual.datatype, bytes_)
            self.check(equal, what + ": " + actual.name + " differs from ONNX Runtime")

    def describe(self, case):
        metadata = self.call("ModelMetadata", name=case["model"])
        config = self.call("ModelConfig", name=case["model"]).config
        self.check(list(metadata.versions) == ["1"] and metadata.platform == config.platform == "onnxruntime_onnx", case["model"] + ": metadata")
        for actual, described in ((case["inputs"], metadata.inputs), (case["outputs"], metadata.outputs)):
            self.check([(t["name"], t["datatype"]) for t in actual] == [(t.name, t.datatype) for t in described], case["model"] + ": tensors")
        for actual, described in ((case["inputs"], config.input), (case["outputs"], config.output)):
            self.check([(t["name"], CODES[t["datatype"]]) for t in actual] == [(t.name, t.data_type) for t in described], case["model"] + ": config")
        dims = [d for t in metadata.inputs for d in t.shape]
        self.check((config.max_batch_size > 0) == (-1 in dims), case["model"] + ": batching")

    def status(self, code, method, **fields):
        try:
            self.call(method, **fields)
        except grpc.RpcError as error:
            self.check(error.code() == code, "%s gives %s" % (method, error.code()))
        else:
            raise SystemExit("FAILED: %s gives no error" % method)


def main(address, path):
    client = Client(address)
    with open(path) as file:
        cases = json.load(file)
    client.check(client.call("ServerLive").live and client.call("ServerReady").ready, "live and ready")
    client.check(client.call("ServerMetadata").name == "recoserve", "server metadata")
    for case in cases:
        client.check(client.call("ModelReady", name=case["model"]).ready, case["model"] + " is ready")
        client.describe(case)
        client.compare(case, True, case["outputs"])
        client.compare(case, True, case["outputs"][:1])
        if all(t["datatype"] in TYPED for t in case["inputs"]):
            client.compare(case, False, case["outputs"])
    statistics = {s.name: s for s in client.call("ModelStatistics").model_stats}
    for name in {case["model"] for case in cases}:
        s = statistics[name]
        client.check(s.inference_stats.success.count > 0 and s.inference_stats.success.ns > 0 and s.last_inference > 0, name + ": statistics")
        client.check(s.inference_count == sum(b.batch_size * b.compute_infer.count for b in s.batch_stats), name + ": rows of batches")
        client.check(s.execution_count == sum(b.compute_infer.count for b in s.batch_stats), name + ": batches")
    client.status(grpc.StatusCode.NOT_FOUND, "ModelMetadata", name="nobody")
    client.status(grpc.StatusCode.UNIMPLEMENTED, "SystemSharedMemoryStatus")
    client.check(not client.call("ModelReady", name="nobody").ready, "a model that is not known is not ready")
    first = cases[0]["model"]
    client.call("RepositoryModelUnload", model_name=first)
    index = {m.name: m.state for m in client.call("RepositoryIndex").models}
    client.check(index[first] == "UNAVAILABLE" and not client.call("ModelReady", name=first).ready, "unloaded")
    client.call("RepositoryModelLoad", model_name=first)
    client.check(first in [m.name for m in client.call("RepositoryIndex", ready=True).models], "loaded again")
    client.compare(cases[0], True, cases[0]["outputs"])
    print("%d checks of %d cases hold" % (client.checks, len(cases)))


if __name__ == "__main__":
    main(*sys.argv[1:])
