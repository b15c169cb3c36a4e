"""The two shapes of net, and how they are written as standard ONNX."""

import os

import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch.nn import Linear
from torch.nn.functional import relu


class Chain(torch.nn.Module):
    """Linear layers fc1, fc2, .. with ReLU between them."""

    def __init__(self, *widths):
        super().__init__()
        self.count = len(widths) - 1
        for i in range(self.count):
            setattr(self, f"fc{i + 1}", Linear(widths[i], widths[i + 1]))

    def forward(self, x):
        for i in range(1, self.count):
            x = relu(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.count}")(x)

    def write(self, graph):
        value = "x"
        for i in range(1, self.count + 1):
            value = graph.linear(f"fc{i}", getattr(self, f"fc{i}"), value)
            if i < self.count:
                value = graph.node("Relu", [value], f"relu{i}")
        return value, self.fc1.in_features, getattr(self, f"fc{self.count}").out_features


class Stream(torch.nn.Module):
    """in, then blocks s + down(relu(up(s))), then out."""

    def __init__(self, inputs=784, width=128, outputs=10, blocks=2, channels=4):
        super().__init__()
        self.blocks = blocks
        self.entry = Linear(inputs, width)
        for i in range(1, blocks + 1):
            setattr(self, f"up{i}", Linear(width, channels * width))
            setattr(self, f"down{i}", Linear(channels * width, width))
        self.exit = Linear(width, outputs)

    def forward(self, x):
        s = self.entry(x)
        for i in range(1, self.blocks + 1):
            s = s + getattr(self, f"down{i}")(relu(getattr(self, f"up{i}")(s)))
        return self.exit(s)

    def write(self, graph):
        value = graph.linear("entry", self.entry, "x")
        for i in range(1, self.blocks + 1):
            hidden = graph.node("Relu", [graph.linear(f"up{i}", getattr(self, f"up{i}"), value)], f"relu{i}")
            value = graph.node("Add", [value, graph.linear(f"down{i}", getattr(self, f"down{i}"), hidden)], f"sum{i}")
        return graph.linear("exit", self.exit, value), self.entry.in_features, self.exit.out_features


class Graph:
    """Nodes and weights of an ONNX graph while it is written."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(onnx.helper.make_node(op, inputs, [f"{name}.out"], name, **attributes))
        return f"{name}.out"

    def linear(self, name, layer, value):
        for kind in ("weight", "bias"):
            array = getattr(layer, kind).detach().numpy()
            self.weights.append(onnx.numpy_helper.from_array(array, f"{name}.{kind}"))
        return self.node("Gemm", [value, f"{name}.weight", f"{name}.bias"], name, transB=1)


def save(model, path):
    """Writes a net, so that a file of this name is always whole."""
    graph = Graph()
    logits, inputs, outputs = model.write(graph)
    graph.node("Identity", [logits], "logits")
    graph.nodes[-1].output[0] = "logits"
    ports = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width])
        for name, width in (("x", inputs), ("logits", outputs))
    ]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "net", ports[:1], ports[1:], graph.weights),
        opset_imports=[onnx.helper.make_opsetid("", 13)],
        ir_version=7,
    )
    onnx.checker.check_model(proto)
    onnx.save(proto, path + ".part")
    os.replace(path + ".part", path)
