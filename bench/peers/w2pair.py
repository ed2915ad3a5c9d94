"""Benchmark pairs in NumPy: read a pair, draw from both measures, score a map. No network library is needed.

A pair file (safetensors) holds a mixture alpha of Gaussians and a convex potential psi, the sum of two input-quadratic
convex networks; beta is the image of alpha under T = grad psi, so T is the true map.

    python3 bench/peers/w2pair.py --n 256 --out hd_256.safetensors

writes a stand-in of the same shapes with random weights, and hd_256_eval.safetensors beside it, for dimensions
whose published pair is not at hand: good for timing, its scores compare with nothing published.
"""
import os

# The sampler runs between timed blocks. A BLAS pool that still spins when a block starts would slow the block.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
from pathlib import Path

import numpy as np

DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
PARTS = ("v1", "v2")
NOISE = 0.4
STRONG_CONVEXITY = 0.01


def read_safetensors(path):
    raw = Path(path).read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(raw[end + t["data_offsets"][0]:end + t["data_offsets"][1]], DTYPES[t["dtype"]])
        .reshape(t["shape"])
        for name, t in header.items()
    }


def write_safetensors(path, tensors, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        dtype = next(key for key, d in DTYPES.items() if d == array.dtype)
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + body)


def celu(a):
    return np.maximum(a, 0) + np.expm1(np.minimum(a, 0))


def celu_slope(a):
    return np.exp(np.minimum(a, 0))


class Pair:
    def __init__(self, tensors):
        self.t = tensors
        self.n = tensors["alpha.centers"].shape[1]

    def sample_source(self, rng, rows):
        centers, maps = self.t["alpha.centers"], self.t["alpha.maps"]
        component = rng.choice(len(centers), rows, p=self.t["alpha.weights"])
        z = rng.standard_normal((rows, self.n), dtype=np.float32)
        x = np.empty_like(z)
        for k in range(len(centers)):
            mine = component == k
            x[mine] = np.float32(self.t["alpha.std"][0]) * z[mine] @ maps[k].T + centers[k]
        return x

    def sample_target(self, rng, rows):
        return self.push(self.sample_source(rng, rows))

    def push(self, x):
        """T(x) in the precision of x."""
        total = sum(self._part_gradient(part, x) for part in PARTS) + self.t["psi.shift"].astype(x.dtype)
        return total * self.t["psi.scale"][0].astype(x.dtype)

    def _part_gradient(self, part, x):
        w = {key: self.t[f"psi.{part}.{key}"].astype(x.dtype)
             for key in ("quad.0", "quad.1", "quad.2", "lin.0", "lin.1", "lin.2",
                         "bias.0", "bias.1", "bias.2", "conv.1", "conv.2", "out")}
        q = [x @ w[f"quad.{i}"].T for i in range(3)]
        own = [q[i] * q[i] + x @ w[f"lin.{i}"].T + w[f"bias.{i}"] for i in range(3)]
        a1 = own[0] @ w["conv.1"].T + own[1]
        a2 = celu(a1) @ w["conv.2"].T + own[2]
        d2 = w["out"] * celu_slope(a2)
        d1 = (d2 @ w["conv.2"]) * celu_slope(a1)
        d0 = d1 @ w["conv.1"]
        grad = x.dtype.type(STRONG_CONVEXITY) * x
        for i, d in enumerate((d0, d1, d2)):
            grad = grad + 2 * (d * q[i]) @ w[f"quad.{i}"] + d @ w[f"lin.{i}"]
        return grad


def load_pair(path):
    return Pair(read_safetensors(path))


def eval_path(pair_path):
    pair_path = Path(pair_path)
    return pair_path.with_name(pair_path.stem + "_eval" + pair_path.suffix)


def l2_uvp(mapped, target):
    """100 E|mapped - target|^2 / Var(target), in percent."""
    target = target.astype(np.float64)
    return 100 * np.sum((mapped - target) ** 2, axis=1).mean() / target.var(axis=0).sum()


def random_pair(n, seed):
    """A pair with the shapes and construction of the published ones and random weights.

    Negative biases and cubed (heavy-tailed) weights leave a few units in charge: averages of many alike units would be
    nearly linear maps, too easy for the solver.
    """
    rng = np.random.default_rng(seed)
    unit = np.sqrt(2 / 3 + NOISE**2)
    maps = rng.standard_normal((3, n, n))
    maps /= np.linalg.norm(maps, axis=2, keepdims=True) * unit
    centers = np.stack([rng.permutation([-1.0, 0.0, 1.0]) for _ in range(n)], axis=1) / unit
    t = {"alpha.centers": centers.astype("<f4"), "alpha.maps": maps.astype("<f4"),
         "alpha.std": np.array([NOISE]), "alpha.weights": np.full(3, 1 / 3),
         "psi.scale": np.ones(1), "psi.shift": np.zeros(n)}
    widths = (max(2 * n, 64), max(2 * n, 64), max(n, 32))
    for part in PARTS:
        for i, h in enumerate(widths):
            t[f"psi.{part}.quad.{i}"] = (rng.standard_normal((h, n)) * 0.2 / np.sqrt(n)).astype("<f4")
            t[f"psi.{part}.lin.{i}"] = (rng.standard_normal((h, n)) * 6 / np.sqrt(n)).astype("<f4")
            t[f"psi.{part}.bias.{i}"] = (3 * rng.standard_normal(h) - 3).astype("<f4")
        for i in (1, 2):
            weight = np.abs(rng.standard_normal((widths[i], widths[i - 1]))) ** 3 / widths[i - 1]
            t[f"psi.{part}.conv.{i}"] = weight.astype("<f4")
        t[f"psi.{part}.out"] = (np.abs(rng.standard_normal(widths[2])) ** 3).astype("<f4")
    pair = Pair(t)
    image = pair.push(pair.sample_source(rng, 1 << 14).astype(np.float64))
    t["psi.shift"] = -image.mean(axis=0)
    t["psi.scale"] = 1 / np.sqrt(image.var(axis=0).mean(keepdims=True))
    return pair


def main():
    parser = argparse.ArgumentParser(description="Write a stand-in benchmark pair with random weights.")
    parser.add_argument("--n", type=int, required=True, help="dimension")
    parser.add_argument("--out", type=Path, required=True, help="pair file; the evaluation file is written beside it")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    pair = random_pair(args.n, args.seed)
    metadata = {"n": str(args.n), "formula_version": "1", "source": "random stand-in, not a published pair"}
    write_safetensors(args.out, pair.t, metadata)
    x = pair.sample_source(np.random.default_rng(args.seed + 1), 4096)
    write_safetensors(eval_path(args.out), {"X": x, "T": pair.push(x.astype(np.float64))}, metadata)


if __name__ == "__main__":
    main()
