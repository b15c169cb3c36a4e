"""Writes arrays with NumPy itself: each kind of npy file, and npz files with and without compression.

    /usr/bin/python3 make.py
"""

import os

import numpy

os.chdir(os.path.dirname(os.path.abspath(__file__)))
grid = numpy.arange(6).reshape(2, 3)
for code in ("<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1", ">f4", ">i8"):
    name = code.replace("<", "little-").replace(">", "big-").replace("|", "byte-")
    numpy.save(name + ".npy", (grid - 1 if code[1] in "fi" else grid).astype(code))
numpy.save("scalar.npy", numpy.float32(2.5))
numpy.save("vector.npy", numpy.array([1.5, -2], numpy.float32))
numpy.save("empty.npy", numpy.zeros((0, 4), numpy.float32))
numpy.save("fortran.npy", numpy.asfortranarray(numpy.arange(24, dtype=numpy.int32).reshape(2, 3, 4)))
for version in ((1, 0), (2, 0), (3, 0)):
    with open("version-%d.npy" % version[0], "wb") as file:
        numpy.lib.format.write_array(file, grid.astype(numpy.float32), version)
numpy.savez("stored.npz", x=grid.astype(numpy.float32), ids=grid.astype(numpy.int64))
numpy.savez_compressed("deflated.npz", x=grid.astype(numpy.float32), ids=grid.astype(numpy.int64))
numpy.save("text.npy", numpy.array(["a", "b"]))
numpy.save("objects.npy", numpy.array([None, 1], dtype=object), allow_pickle=True)
