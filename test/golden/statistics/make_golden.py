"""Makes golden.json: values of SciPy and NumPy that the statistics kernels are tested against.

Run: python3 make_golden.py > golden.json  (made with SciPy 1.10, NumPy 1.24)
"""
import json

import numpy as np
from scipy import integrate, special, stats


def marchenko_pastur_cdf(beta, x):
    a, b = (1 - beta**0.5) ** 2, (1 + beta**0.5) ** 2
    # x = a + (b - a) sin^2 t removes the square-root ends.
    def density(t):
        y = a + (b - a) * np.sin(t) ** 2
        return (b - a) ** 2 * np.sin(t) ** 2 * np.cos(t) ** 2 / (np.pi * beta * y)

    return integrate.quad(density, 0, np.arcsin(np.sqrt((x - a) / (b - a))), epsabs=1e-13)[0]


def benjamini_hochberg(p, level):
    order = np.argsort(p)
    passed = np.nonzero(p[order] <= level * np.arange(1, len(p) + 1) / len(p))[0]
    return int(passed[-1] + 1) if len(passed) else 0


def holm(p, level):
    count = 0
    for i, value in enumerate(np.sort(p)):
        if value > level / (len(p) - i):
            break
        count += 1
    return count


rng = np.random.default_rng(20)
tail_points = [-9.0, -3.0, -0.5, 0.0, 0.1, 1.0, 1.96, 4.0, 8.0, 15.0, 37.0, 100.0, 1e4]
chi_square = []
for df in [1, 2, 3, 8, 31, 640, 10000, 1000000]:
    for x in [1e-3 * df, 0.5 * df, 0.9 * df, df, 1.05 * df, 1.5 * df, 4 * df, 30 * df]:
        chi = stats.chi2(df)
        chi_square.append([df, x, float(chi.logsf(x)), float(chi.logcdf(x))])
# SciPy's logs underflow to -inf; those entries are left to the oracle.
chi_square = [row for row in chi_square if np.isfinite(row[2]) and np.isfinite(row[3])]
truncated = stats.truncnorm(-2, 2)
pit = []
for w in [-1.999, -1.9, -1.0, -0.01, 0.3, 1.2, 1.99, 1.9999]:
    pit.append(["truncated-normal", w, float(np.sign(w) * -special.ndtri(truncated.sf(abs(w))))])
for w in [-0.9999, -0.5, 0.001, 0.7, 0.99]:
    pit.append(["uniform", w, float(special.ndtri((w + 1) / 2))])
p_values = np.concatenate([rng.uniform(size=180), rng.uniform(size=20) * 1e-3])
sample = rng.normal(size=57).astype(np.float32)
matrix = rng.normal(size=(20, 33)).astype(np.float32)
print(
    json.dumps(
        {
            "logTail": [[x, float(stats.norm.logsf(x))] for x in tail_points],
            "quantile": [[p, float(stats.norm.isf(p))] for p in [0.5, 0.4, 0.1, 0.025, 1e-3, 1e-9, 1e-40, 1e-300]],
            "chiSquare": chi_square,
            "pit": pit,
            "kolmogorov": [
                [n, d, float(stats.kstwo(n).sf(d))]
                for n in [20, 100, 1000, 100000]
                for d in np.array([0.4, 0.7, 1.0, 1.36, 1.63, 2.5]) / np.sqrt(n)
            ],
            "ks": {"sample": sample.tolist(), "distance": float(stats.kstest(sample, "norm").statistic)},
            "marchenkoPastur": [
                [beta, x, float(marchenko_pastur_cdf(beta, x))]
                for beta in [0.01, 0.25, 0.9, 1.0]
                for x in (1 - beta**0.5) ** 2 + 4 * beta**0.5 * np.array([0.02, 0.3, 0.5, 0.8, 0.99])
            ],
            "rejections": {
                "p": p_values.tolist(),
                "bonferroni": int((p_values <= 0.05 / 200).sum()),
                "holm": holm(p_values, 0.05),
                "benjaminiHochberg": benjamini_hochberg(p_values, 0.05),
            },
            "singularValues": {
                "rows": 20,
                "columns": 33,
                "matrix": matrix.ravel().tolist(),
                "values": np.linalg.svd(matrix.astype(np.float64), compute_uv=False).tolist(),
            },
        }
    )
)
