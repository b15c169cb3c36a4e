"""Writes one encoder block as torch exports it in two operator sets, and its outputs by torch.

    python3 make.py          needs torch and onnx

Heads are split by view and transpose, the keys are transposed for the product, a mask is added, and the GELU is exact
in opset 12 and by tanh in opset 17; opset 12 writes LayerNorm out, opset 17 has the operator.
"""
import json
import math

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, inner, approximate):
        super().__init__()
        self.heads, self.approximate = heads, approximate
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        for norm in (self.norm1, self.norm2):
            nn.init.normal_(norm.weight, 1, 0.2)
            nn.init.normal_(norm.bias, 0, 0.2)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def activate(self, x):
        if self.approximate == 'none':
            return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))

    def forward(self, x, mask):
        q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask
        mixed = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(x.shape)
        x = self.norm1(x + self.o(mixed))
        return self.norm2(x + self.down(self.activate(self.up(x))))


torch.manual_seed(1)
expected = {}
for opset, approximate in ((12, 'none'), (17, 'tanh')):
    block = Block(16, 2, 24, approximate).eval()
    x, mask = torch.randn(3, 7, 16), torch.zeros(3, 1, 1, 7)
    mask[1, ..., 5:] = -10000
    with torch.no_grad():
        y = block(x, mask)
    torch.onnx.export(
        block, (x, mask), f'opset-{opset}.onnx', opset_version=opset, input_names=['x', 'mask'], output_names=['y'],
        dynamic_axes={'x': {0: 'batch'}, 'mask': {0: 'batch'}, 'y': {0: 'batch'}},
    )
    expected[f'opset-{opset}'] = {name: [float(f'{v:.8g}') for v in t.flatten().tolist()] for name, t in (('x', x), ('mask', mask), ('y', y))}
with open('expected.json', 'w') as file:
    json.dump(expected, file)
