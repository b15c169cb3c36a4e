"""Trains the nets on which the paper's claims are measured, and keeps their states before and after training.

    /usr/bin/python3 train.py FOLDER_OF_THE_IDX_FILES FOLDER_TO_WRITE [NET ..] [--seeds 5] [--epochs 4]

Needs Debian's python3-torch and python3-onnx. For each NET and seed it writes NET-SEED-init.onnx and NET-SEED.onnx,
and for the topics nets NET-SEED-data.npz (calibration and test as clipped counts, labels, domains). What exists is not
trained again.

  digits        784-512-512-10, ReLU, cross-entropy, SGD .1, batch 64, 4 epochs, pixels in [0, 1]
  digits-decay  the same with weight decay 5e-4
  digits-adam   the same with Adam 1e-3; only when it is named
  ideal         784-256-256-10; inputs and hidden units carry labels 1..8, and the gradient of fc1 and fc2 is kept
                between equal labels only, so that every weight between blocks stays bit-equal to its initialisation
  ideal-small   the same with the weights between blocks initialised .01 times as large
  stream        784-128, two residual blocks 128-512-128 (ReLU), 128-10: the d-4d-d blocks
  topics        1000-256-32 on documents of 8 domains, 200 words never occur; one softmax over domains and classes;
                SGD .5, batch 32, 6 epochs of 16,000 documents
  topics-heads  the same, one softmax for each domain
  topics-decay  topics with weight decay 1e-3
  cnn, lstm, lstm-sgd, gru  only when they are named, 3 epochs of digits:
  cnn           3 x 3 convolutions to 32 and 64 channels with ReLU and pools, 1600-128-10; SGD .1
  cnn-adam      the same with Adam 1e-3
  lstm, gru     digits row by row, 128 wide, the last state decides; Adam 1e-3
  lstm-sgd      the LSTM with SGD .1 and momentum .9
  char-lm       only when it is named: a transformer of two blocks, 128 wide, on 64 characters of the top modules of
                Python's standard library; N(0, .02) at first; SGD .5, batch 32, 1,500 steps
  char-lm-adamw the same with AdamW 1e-3 and 800 steps

--epochs is of the nets named digits; the benchmarks of decomposition take 8. All layers have torch's default initialisation,
U(+-1/sqrt(fan_in)), weights and biases.
"""

import argparse
import os
import sys
import time

import numpy
import torch
from torch.nn.functional import cross_entropy

import nets

DEFAULT = "digits digits-decay ideal ideal-small stream topics topics-heads topics-decay".split()
NAMED = "digits-adam cnn cnn-adam lstm lstm-sgd gru char-lm char-lm-adamw".split()
KINDS = DEFAULT + NAMED
BLOCKS = 8
DOMAINS, WORDS, UNSEEN, CLASSES, LENGTH = 8, 100, 200, 4, 30


def read_idx(path):
    with open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank).reshape(shape)


def digits(folder, prefix):
    images = read_idx(os.path.join(folder, prefix + "-images-idx3-ubyte"))
    labels = read_idx(os.path.join(folder, prefix + "-labels-idx1-ubyte"))
    pixels = images.reshape(len(images), 784).astype(numpy.float32) / numpy.float32(255)
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(numpy.int64))


class Topics:
    """Draws documents: a domain, a class, and words by a Zipf law over the domain's words in the class's order."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(1000 + seed)
        zipf = 1 / numpy.arange(1, WORDS + 1)
        self.zipf = zipf / zipf.sum()
        self.orders = [[self.random.permutation(WORDS) for _ in range(CLASSES)] for _ in range(DOMAINS)]

    def draw(self, count):
        domains = self.random.integers(DOMAINS, size=count)
        classes = self.random.integers(CLASSES, size=count)
        x = numpy.zeros((count, DOMAINS * WORDS + UNSEEN), numpy.float32)
        for row, domain, kind in zip(x, domains, classes):
            ranks = self.random.choice(WORDS, LENGTH, p=self.zipf)
            numpy.add.at(row, domain * WORDS + self.orders[domain][kind][ranks], 1)
        x = numpy.minimum(x, 3) / numpy.float32(3)
        return torch.from_numpy(x), torch.from_numpy(domains), torch.from_numpy(domains * CLASSES + classes)


def heads_loss(logits, labels):
    """Cross-entropy of the head of each document's own domain."""
    heads = logits.view(len(logits), DOMAINS, CLASSES)
    own = heads[torch.arange(len(logits)), labels // CLASSES]
    return cross_entropy(own, labels % CLASSES)


def fit(model, x, y, epochs, batch, optimizer, loss=cross_entropy, after_backward=None):
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            rows = order[first : first + batch]
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            if after_backward:
                after_backward()
            optimizer.step()


def block_masks(model, scale):
    """Random labels for inputs and hidden units; scales the weights between blocks; returns the masks of fc1, fc2."""
    labels = [torch.randint(BLOCKS, (width,)) for width in (784, model.fc1.out_features, model.fc2.out_features)]
    masks = []
    for layer, columns, rows in ((model.fc1, labels[0], labels[1]), (model.fc2, labels[1], labels[2])):
        mask = (rows[:, None] == columns[None, :]).float()
        with torch.no_grad():
            layer.weight.mul_(torch.where(mask > 0, torch.tensor(1.0), torch.tensor(scale)))
        masks.append((layer, mask))
    return masks


def keep_blocks(masks):
    for layer, mask in masks:
        layer.weight.grad.mul_(mask)


def train_digits(kind, data, epochs, start):
    is_plain = kind.startswith("digits")
    width = 512 if is_plain else 256
    model = nets.Stream() if kind == "stream" else nets.Chain(784, width, width, 10)
    masks = block_masks(model, 0.01 if kind == "ideal-small" else 1.0) if kind.startswith("ideal") else None
    start(model)
    decay = 5e-4 if kind == "digits-decay" else 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=decay)
    if kind == "digits-adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    fit(model, *data, epochs, 64, optimizer, after_backward=(lambda: keep_blocks(masks)) if masks else None)
    return model


def train_shapes(kind, data, start):
    """Nets that look at a digit as a picture, or row by row."""
    shape = kind.split("-")[0]
    model = nets.Pictures() if shape == "cnn" else nets.Rows(shape.upper())
    start(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    if kind in ("cnn", "lstm-sgd"):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9 if kind == "lstm-sgd" else 0)
    fit(model, *data, 3, 64, optimizer)
    return model


def train_topics(kind, seed, path, start):
    topics = Topics(seed)
    x, _, y = topics.draw(16000)
    calibration, _, _ = topics.draw(4096)
    test, domains, labels = topics.draw(2000)
    counts = [(rows * 3).round().to(torch.uint8) for rows in (calibration, test)]
    arrays = {"calibration": counts[0], "test": counts[1], "labels": labels.int(), "domains": domains.int()}
    numpy.savez_compressed(path + "-data.npz", **{name: array.numpy() for name, array in arrays.items()})
    model = nets.Chain(DOMAINS * WORDS + UNSEEN, 256, DOMAINS * CLASSES)
    start(model)
    decay = 1e-3 if kind == "topics-decay" else 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=decay)
    fit(model, x, y, 6, 32, optimizer, heads_loss if kind == "topics-heads" else cross_entropy)
    return model


def read_library():
    """Python's standard library as numbers of characters, those beyond ASCII as one; its last twentieth is held out."""
    folder = os.path.dirname(os.__file__)
    texts = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    text = numpy.frombuffer("".join(texts).encode("ascii", "replace"), numpy.uint8)
    numbers = numpy.full(256, -1)
    for number, character in enumerate(numpy.flatnonzero(numpy.bincount(text, minlength=256) > 0)):
        numbers[character] = number
    coded = torch.from_numpy(numbers[text])
    held = len(coded) - len(coded) // 20
    return coded[:held], coded[held:], int(numbers.max()) + 1


def windows(text, starts, length):
    return torch.stack([text[first : first + length] for first in starts])


def train_characters(kind, path, start):
    text, held, vocabulary = read_library()
    model = nets.Characters(vocabulary)
    start(model)
    length = model.context + 1
    draw = lambda source, count: windows(source, torch.randint(len(source) - length, (count,)).tolist(), length)
    test = windows(held, range(0, len(held) - length, length), length)
    arrays = {"calibration": draw(text, 1024), "test": test}
    numpy.savez_compressed(path + "-data.npz", **{name: array.int().numpy() for name, array in arrays.items()})
    is_adam = kind == "char-lm-adamw"
    steps, rate = (800, 1e-3) if is_adam else (1500, 0.5)
    parameters = model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=rate) if is_adam else torch.optim.SGD(parameters, lr=rate)
    fall = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.05, cycle_momentum=False)
    for step in range(steps):
        batch = draw(text, 32)
        optimizer.zero_grad()
        loss = cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        fall.step()
        if step % 250 == 249:
            print(f"{kind}: step {step + 1}, {loss.item():.3f} nats", file=sys.stderr, flush=True)
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("nets", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    unknown = sorted(set(options.nets) - set(KINDS))
    if unknown:
        parser.error(f"unknown net: got {', '.join(unknown)}, expected some of {', '.join(KINDS)}.")
    torch.set_num_threads(1)
    os.makedirs(options.out, exist_ok=True)
    data = digits(options.data, "train")
    for seed in range(options.seeds):
        for kind in options.nets or DEFAULT:
            path = os.path.join(options.out, f"{kind}-{seed}")
            if os.path.exists(path + ".onnx"):
                continue
            began = time.time()
            torch.manual_seed(seed)
            start = lambda model: nets.save(model, path + "-init.onnx")
            if kind.startswith("topics"):
                model = train_topics(kind, seed, path, start)
            elif kind.startswith("char-lm"):
                model = train_characters(kind, path, start)
            elif kind in NAMED and kind != "digits-adam":
                model = train_shapes(kind, data, start)
            else:
                epochs = options.epochs if kind.startswith("digits") else 4
                model = train_digits(kind, data, epochs, start)
            nets.save(model, path + ".onnx")
            print(f"trained {kind} with seed {seed} in {time.time() - began:.0f} s", file=sys.stderr, flush=True)


main()
