"""Writes a small attention block as PyTorch exports it: 8 times of 6 numbers, width 16, 2 heads, GELU, 4 classes.

    /usr/bin/python3 make.py

Needs Debian's python3-torch and python3-onnx. The weights are random (seed 0); those of query, key and value together
have rank 4, and those of the feed-forward layers 3. Writes beside this file:
  attention.onnx  the net, operator set 13
  expected.json   its outputs for x[i] = sin(i) on 3 rows
"""

import json
import os

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
TIMES, WIDTH, HEADS = 8, 16, 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.entry = nn.Linear(6, WIDTH)
        self.place = nn.Parameter(torch.randn(TIMES, WIDTH))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 64), nn.Linear(64, WIDTH)
        self.exit = nn.Linear(WIDTH, 4)

    def forward(self, x):
        s = self.entry(x.reshape(-1, TIMES, 6)) + self.place
        parts = self.qkv(self.norm1(s)).chunk(3, -1)
        q, k, v = (part.reshape(-1, TIMES, HEADS, WIDTH // HEADS).transpose(1, 2) for part in parts)
        mixed = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1) @ v
        s = s + self.out(mixed.transpose(1, 2).reshape(-1, TIMES, WIDTH))
        s = s + self.down(nn.functional.gelu(self.up(self.norm2(s))))
        return self.exit(self.norm3(s).mean(1))


def low_rank(layer, rank):
    outputs, inputs = layer.weight.shape
    with torch.no_grad():
        layer.weight.copy_(torch.randn(outputs, rank) @ torch.randn(rank, inputs) / (rank * inputs) ** 0.5)


torch.manual_seed(0)
net = Net().eval()
low_rank(net.qkv, 4)
low_rank(net.up, 3)
low_rank(net.down, 3)
x = torch.sin(torch.arange(3 * TIMES * 6, dtype=torch.float32)).reshape(3, -1)
axes = {"x": {0: "batch"}, "y": {0: "batch"}}
path = os.path.join(HERE, "attention.onnx")
torch.onnx.export(net, x, path, opset_version=13, input_names=["x"], output_names=["y"], dynamic_axes=axes)
with open(os.path.join(HERE, "expected.json"), "w") as file:
    json.dump({"y": net(x).tolist()}, file)
    file.write("\n")
