"""Stores trained nets for the planted cases T10, T12 and T15: weights as float16, those of digits as they are, since its
case hangs on single images.

    /usr/bin/python3 make.py FOLDER_OF_NETS

FOLDER_OF_NETS is what examples/paper/train.py writes for the nets named below with seed 0 (digits and digits-adam with
--epochs 8). Needs NumPy and Debian's python3-onnx. Writes NAME.npz beside this file: fcN.weight and fcN.bias after
training, and init/fcN.weight and init/fcN.bias before it where the case compares with them.
"""

import os
import sys

import numpy
import onnx
import onnx.numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))


def weights(path, dtype, prefix=""):
    tensors = onnx.load(path).graph.initializer
    return {prefix + tensor.name: onnx.numpy_helper.to_array(tensor).astype(dtype) for tensor in tensors}


for name in ("digits", "digits-adam", "ideal", "ideal-small"):
    path = os.path.join(sys.argv[1], f"{name}-0")
    dtype = "<f4" if name == "digits" else "<f2"
    arrays = weights(path + ".onnx", dtype)
    if name.startswith("ideal"):
        arrays.update(weights(path + "-init.onnx", dtype, "init/"))
    numpy.savez_compressed(os.path.join(HERE, f"{name}.npz"), **arrays)
