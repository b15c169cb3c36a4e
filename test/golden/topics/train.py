"""Trains a small net on documents of domains, for the tests, and writes it with unlabelled and labelled documents.

300 words in random order: 8 domains of 30 words, and 60 words that never occur. A document draws 12 words by a Zipf law
over its domain's words, whose order is permuted for each of 4 classes. Input: counts, clipped at 3, over 3. Net:
300-128-32, ReLU, torch's default initialisation, cross-entropy over all domains and classes, SGD with learning rate 0.5,
batch 32, 6 epochs of 16,000 documents, seed 0, one thread.

    /usr/bin/python3 train.py

Needs Debian's python3-torch and python3-onnx. Writes beside this file:
  topics.onnx  the trained net
  topics.npz   calibration [2048, 300], guard [1000, 300], test [1000, 300] as clipped counts; labels of test; the domain
               of each word, 8 for those that never occur
"""

import os

import numpy
import onnx
import onnx.helper
import onnx.numpy_helper
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAINS, WORDS, UNSEEN, CLASSES, LENGTH, UNITS = 8, 30, 60, 4, 12, 128

random = numpy.random.default_rng(0)
zipf = 1 / numpy.arange(1, WORDS + 1)
zipf /= zipf.sum()
place = random.permutation(DOMAINS * WORDS + UNSEEN)
orders = [[random.permutation(WORDS) for _ in range(CLASSES)] for _ in range(DOMAINS)]


def draw(count):
    domains = random.integers(DOMAINS, size=count)
    classes = random.integers(CLASSES, size=count)
    counts = numpy.zeros((count, len(place)), numpy.uint8)
    for row, domain, kind in zip(counts, domains, classes):
        words = orders[domain][kind][random.choice(WORDS, LENGTH, p=zipf)]
        numpy.add.at(row, place[domain * WORDS + words], 1)
    return numpy.minimum(counts, 3), domains * CLASSES + classes


def train(counts, labels):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(len(place), UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, DOMAINS * CLASSES)
    )
    x, y = torch.from_numpy(counts.astype(numpy.float32) / 3), torch.from_numpy(labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(6):
        order = torch.randperm(len(x))
        for first in range(0, len(x), 32):
            rows = order[first : first + 32]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model


def save(model, path):
    weights = [
        onnx.numpy_helper.from_array(getattr(model[2 * i], kind).detach().numpy(), f"fc{i + 1}.{kind}")
        for i in range(2)
        for kind in ("weight", "bias")
    ]
    nodes = [
        onnx.helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["h"], "fc1", transB=1),
        onnx.helper.make_node("Relu", ["h"], ["a"], "relu1"),
        onnx.helper.make_node("Gemm", ["a", "fc2.weight", "fc2.bias"], ["logits"], "fc2", transB=1),
    ]
    ports = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width])
        for name, width in (("x", len(place)), ("logits", DOMAINS * CLASSES))
    ]
    graph = onnx.helper.make_graph(nodes, "topics", ports[:1], ports[1:], weights)
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def main():
    model = train(*draw(16000))
    save(model, os.path.join(HERE, "topics.onnx"))
    word_domains = numpy.full(len(place), DOMAINS, numpy.int32)
    word_domains[place[: DOMAINS * WORDS]] = numpy.repeat(numpy.arange(DOMAINS), WORDS)
    calibration, guard, (test, labels) = draw(2048)[0], draw(1000)[0], draw(1000)
    numpy.savez_compressed(
        os.path.join(HERE, "topics.npz"),
        calibration=calibration,
        guard=guard,
        test=test,
        labels=labels.astype(numpy.int32),
        domains=word_domains,
    )
    x = torch.from_numpy(test.astype(numpy.float32) / 3)
    print("accuracy", (model(x).argmax(1).numpy() == labels).mean())


main()
