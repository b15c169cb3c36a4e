"""The shapes of net, and how they are written as standard ONNX."""

import os

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch.nn import Linear
from torch.nn.functional import max_pool2d, relu


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


class Pictures(torch.nn.Module):
    """Digits as 1 x 28 x 28: two 3 x 3 convolutions, each with ReLU and a pool that halves, then two linear layers."""

    def __init__(self, first=32, second=64, hidden=128):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, first, 3)
        self.conv2 = torch.nn.Conv2d(first, second, 3)
        self.fc1 = Linear(second * 25, hidden)
        self.fc2 = Linear(hidden, 10)

    def forward(self, x):
        x = max_pool2d(relu(self.conv1(x.view(-1, 1, 28, 28))), 2)
        x = max_pool2d(relu(self.conv2(x)), 2).flatten(1)
        return self.fc2(relu(self.fc1(x)))

    def write(self, graph):
        value = graph.reshape("x", (-1, 1, 28, 28), "picture")
        for i in (1, 2):
            value = graph.conv(f"conv{i}", getattr(self, f"conv{i}"), value)
            value = graph.node("Relu", [value], f"relu{i}")
            value = graph.node("MaxPool", [value], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2])
        value = graph.linear("fc1", self.fc1, graph.node("Flatten", [value], "flat", axis=1))
        return graph.linear("fc2", self.fc2, graph.node("Relu", [value], "relu3")), 784, 10


class Rows(torch.nn.Module):
    """Digits row by row through an LSTM or GRU; its last state decides."""

    def __init__(self, kind, width=128):
        super().__init__()
        self.kind = kind
        self.rnn = getattr(torch.nn, kind)(28, width, batch_first=True)
        self.fc = Linear(width, 10)

    def forward(self, x):
        return self.fc(self.rnn(x.view(-1, 28, 28))[0][:, -1])

    def write(self, graph):
        rows = graph.node("Transpose", [graph.reshape("x", (-1, 28, 28), "image")], "rows", perm=[1, 0, 2])
        last = graph.recurrent("rnn", self.kind, self.rnn, rows)
        return graph.linear("fc", self.fc, graph.reshape(last, (-1, self.rnn.hidden_size), "last")), 784, 10


class Characters(torch.nn.Module):
    """A language model of characters: pre-norm transformer blocks with ReLU, the head of its own; logits at all positions."""

    def __init__(self, vocabulary, context=64, width=128, heads=4, blocks=2):
        super().__init__()
        self.context, self.width, self.heads, self.blocks = context, width, heads, blocks
        self.characters = torch.nn.Embedding(vocabulary, width)
        self.places = torch.nn.Embedding(context, width)
        for i in range(1, blocks + 1):
            for name in ("query", "key", "value", "mix"):
                setattr(self, f"{name}{i}", Linear(width, width))
            setattr(self, f"up{i}", Linear(width, 4 * width))
            setattr(self, f"down{i}", Linear(4 * width, width))
            for name in ("before", "between"):
                setattr(self, f"{name}{i}", torch.nn.LayerNorm(width))
        self.after = torch.nn.LayerNorm(width)
        self.head = Linear(width, vocabulary)
        for layer in self.modules():
            if isinstance(layer, (Linear, torch.nn.Embedding)):
                torch.nn.init.normal_(layer.weight, std=0.02)
            if isinstance(layer, Linear):
                torch.nn.init.zeros_(layer.bias)
        later = torch.full((context, context), -1e9).triu(1)
        self.register_buffer("later", later, persistent=False)

    def attend(self, i, x):
        """Softmax of q k^T / sqrt(d), later characters out of sight."""
        split = lambda name: getattr(self, f"{name}{i}")(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
        scores = split("query") @ split("key").transpose(2, 3) / (self.width // self.heads) ** 0.5 + self.later
        return getattr(self, f"mix{i}")((scores.softmax(3) @ split("value")).transpose(1, 2).flatten(2))

    def forward(self, x):
        s = self.characters(x) + self.places.weight
        for i in range(1, self.blocks + 1):
            s = s + self.attend(i, getattr(self, f"before{i}")(s))
            hidden = relu(getattr(self, f"up{i}")(getattr(self, f"between{i}")(s)))
            s = s + getattr(self, f"down{i}")(hidden)
        return self.head(self.after(s))

    def write_attention(self, graph, i, value):
        depth = self.width // self.heads

        def split(name, perm):
            layer = graph.matmul(f"{name}{i}", getattr(self, f"{name}{i}"), value)
            shape = (-1, self.context, self.heads, depth)
            return graph.node("Transpose", [graph.reshape(layer, shape, f"{name}{i}.split")], f"{name}{i}.t", perm=perm)

        query, key = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])
        root = graph.constant(f"root{i}", numpy.array(depth**0.5, numpy.float32))
        later = graph.constant(f"later{i}", self.later.numpy())
        scores = graph.node("Div", [graph.node("MatMul", [query, key], f"scores{i}"), root], f"scaled{i}")
        shares = graph.node("Softmax", [graph.node("Add", [scores, later], f"masked{i}")], f"shares{i}", axis=-1)
        heads = graph.node("MatMul", [shares, split("value", [0, 2, 1, 3])], f"heads{i}")
        heads = graph.node("Transpose", [heads], f"heads{i}.t", perm=[0, 2, 1, 3])
        joined = graph.reshape(heads, (-1, self.context, self.width), f"joined{i}")
        return graph.matmul(f"mix{i}", getattr(self, f"mix{i}"), joined)

    def write(self, graph):
        table = graph.constant("characters", self.characters.weight.detach().numpy())
        places = graph.constant("places", self.places.weight.detach().numpy())
        value = graph.node("Add", [graph.node("Gather", [table, "x"], "embedded"), places], "sum0")
        for i in range(1, self.blocks + 1):
            normed = graph.norm(f"before{i}", getattr(self, f"before{i}"), value)
            value = graph.node("Add", [value, self.write_attention(graph, i, normed)], f"attended{i}")
            normed = graph.norm(f"between{i}", getattr(self, f"between{i}"), value)
            hidden = graph.node("Relu", [graph.matmul(f"up{i}", getattr(self, f"up{i}"), normed)], f"relu{i}")
            down = graph.matmul(f"down{i}", getattr(self, f"down{i}"), hidden)
            value = graph.node("Add", [value, down], f"sum{i}")
        logits = graph.matmul("head", self.head, graph.norm("after", self.after, value))
        return logits, self.context, (self.context, self.head.out_features)


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

    def matmul(self, name, layer, value):
        weight = self.constant(f"{name}.weight", layer.weight.detach().numpy().T)
        product = self.node("MatMul", [value, weight], f"{name}.product")
        return self.node("Add", [product, self.constant(f"{name}.bias", layer.bias.detach().numpy())], name)

    def norm(self, name, layer, value):
        arrays = [self.constant(f"{name}.{kind}", getattr(layer, kind).detach().numpy()) for kind in ("weight", "bias")]
        return self.node("LayerNormalization", [value, *arrays], name, axis=-1, epsilon=layer.eps)

    def constant(self, name, array):
        self.weights.append(onnx.numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def reshape(self, value, shape, name):
        return self.node("Reshape", [value, self.constant(f"{name}.shape", numpy.array(shape, numpy.int64))], name)

    def conv(self, name, layer, value):
        inputs = [self.constant(f"{name}.{kind}", getattr(layer, kind).detach().numpy()) for kind in ("weight", "bias")]
        pads = [*layer.padding, *layer.padding]
        return self.node("Conv", [value, *inputs], name, kernel_shape=[*layer.kernel_size], pads=pads)

    def recurrent(self, name, kind, layer, value):
        """The last state of an LSTM (torch's gates i f g o as ONNX's i o f c) or a GRU (r z n as z r h)."""
        order = (0, 3, 1, 2) if kind == "LSTM" else (1, 0, 2)
        width = layer.hidden_size

        def gates(which):
            blocks = getattr(layer, f"{which}_l0").detach().numpy().reshape(len(order), width, -1)
            return blocks[list(order)].reshape(1, len(order) * width, -1)

        bias = numpy.concatenate([gates("bias_ih")[..., 0], gates("bias_hh")[..., 0]], axis=1)
        arrays = {"weight_ih": gates("weight_ih"), "weight_hh": gates("weight_hh"), "bias": bias}
        inputs = [self.constant(f"{name}.{key}", array) for key, array in arrays.items()]
        reset = {} if kind == "LSTM" else {"linear_before_reset": 1}
        self.nodes.append(
            onnx.helper.make_node(kind, [value, *inputs], ["", f"{name}.out"], name, hidden_size=width, **reset)
        )
        return f"{name}.out"


def save(model, path):
    """Writes a net, so that a file of this name is always whole."""
    graph = Graph()
    logits, inputs, outputs = model.write(graph)
    graph.node("Identity", [logits], "logits")
    graph.nodes[-1].output[0] = "logits"
    is_text = isinstance(model, Characters)
    kind = onnx.TensorProto.INT64 if is_text else onnx.TensorProto.FLOAT
    shape = ["batch", *outputs] if is_text else ["batch", outputs]
    ports = [
        onnx.helper.make_tensor_value_info("x", kind, ["batch", inputs]),
        onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape),
    ]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "net", ports[:1], ports[1:], graph.weights),
        opset_imports=[onnx.helper.make_opsetid("", 17 if is_text else 13)],
        ir_version=8 if is_text else 7,
    )
    onnx.checker.check_model(proto)
    onnx.save(proto, path + ".part")
    os.replace(path + ".part", path)
