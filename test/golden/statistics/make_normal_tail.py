"""Prints the Chebyshev coefficients of assembly/statistics/normal.ts.

They expand (1 + x) M(x), M(x) = exp(x^2 / 2) Phi(-x) for x >= 0, in t = (x - 4) / (x + 4) on [-1, 1).
Computed with 40 digits; terms below 5e-18 are dropped.
"""
from mpmath import cos, erfc, exp, mp, mpf, pi, sqrt

mp.dps = 40
NODES = 40


def scaled_tail(x):
    if x < 60:
        return exp(x * x / 2) * erfc(x / sqrt(2)) / 2
    total, term = mpf(0), 1 / x
    for k in range(12):
        total += term
        term *= -(2 * k + 1) / x**2
    return total / sqrt(2 * pi)


def target(t):
    x = 4 * (1 + t) / (1 - t)
    return (1 + x) * scaled_tail(x)


points = [cos(pi * (j + mpf(1) / 2) / NODES) for j in range(NODES)]
values = [target(t) for t in points]
for k in range(NODES):
    total = sum(v * cos(pi * k * (j + mpf(1) / 2) / NODES) for j, v in enumerate(values))
    coefficient = (1 if k == 0 else 2) * total / NODES
    if abs(coefficient) > 5e-18:
        print(f"  {float(coefficient)!r},")
