"""Checks a pair that was converted from the small clone of torch_file.py: its generator and potentials, evaluated by the
formulas of src/measures/faces.h, are those of the checkpoints, evaluated as PyTorch does with modules in evaluation mode.

    celeba.py FILE early|late
"""
import json
import math
import random
import struct
import sys

from torch_file import Tensor, celeba


def conv(x, side, w, stride, pad, bias=None):
    """x[channel][line][pixel] as one list; returns the same and its side"""
    out, fin, k = w.shape[0], w.shape[1], w.shape[3]
    to = (side + 2 * pad - k) // stride + 1
    y = []
    for o in range(out):
        for line in range(to):
            for pixel in range(to):
                total = bias.numbers[o] if bias else 0.0
                for c in range(fin):
                    for a in range(k):
                        row = line * stride + a - pad
                        for b in range(k):
                            col = pixel * stride + b - pad
                            if 0 <= row < side and 0 <= col < side:
                                total += w.numbers[((o * fin + c) * k + a) * k + b] * x[(c * side + row) * side + col]
                y.append(total)
    return y, to


def linear(x, w, bias):
    n = w.shape[1]
    return [bias.numbers[o] + sum(w.numbers[o * n + i] * x[i] for i in range(n)) for o in range(w.shape[0])]


def leaky(x):
    return [u if u > 0 else 0.2 * u for u in x]


def celu(x, c):
    return [u if u > 0 else c * math.expm1(u / c) for u in x]


def add(x, y, s=1.0):
    return [a + s * b for a, b in zip(x, y)]


def double_size(x, side):
    channels = len(x) // side**2
    return [x[(c * side + y // 2) * side + p // 2] for c in range(channels) for y in range(2 * side) for p in range(2 * side)]


def squares_in_groups(q, rank, places):
    return [sum(q[(c * rank + r) * places + p] ** 2 for r in range(rank)) for c in range(len(q) // rank // places) for p in range(places)]


# ---- as the original --------------------------------------------------------------------------------


def batch_norm(x, state, name):
    weight, bias, mean, var = (state[name + end].numbers for end in (".weight", ".bias", ".running_mean", ".running_var"))
    places = len(x) // len(weight)
    return [(u - mean[i // places]) / math.sqrt(var[i // places] + 1e-5) * weight[i // places] + bias[i // places] for i, u in enumerate(x)]


def original_generator(state, z):
    h = leaky(batch_norm(linear(z, state["fc.weight"], state["fc.bias"]), state, "bn1d"))
    side = math.isqrt(len(h) // state["resnet.0.conv_0.weight"].shape[1])
    last = max(int(name.split(".")[1]) for name in state if name.startswith("resnet."))
    for k in range(last + 1):
        name = "resnet.%d." % k
        if name + "conv_0.weight" not in state:
            h, side = double_size(h, side), 2 * side
            continue
        beside = h
        if name + "conv_s.weight" in state:
            beside = batch_norm(conv(h, side, state[name + "conv_s.weight"], 1, 0)[0], state, name + "bn2d_s")
        d = leaky(batch_norm(conv(h, side, state[name + "conv_0.weight"], 1, 1)[0], state, name + "bn2d_0"))
        d = batch_norm(conv(d, side, state[name + "conv_1.weight"], 1, 1)[0], state, name + "bn2d_1")
        h = leaky(add(beside, d, 0.1))
    return [math.tanh(u) for u in conv(h, side, state["conv_img.weight"], 1, 1, state["conv_img.bias"])[0]]


def original_potential(state, x):
    side, terms = math.isqrt(len(x) // 3), []
    for i, (stride, pad) in enumerate(((2, 1), (4, 2))):
        name = "quadratic_layers.%d." % i
        quad, lin = state[name + "quadratic_decomposed.weight"], state[name + "linear.weight"]
        q, to = conv(x, side, quad, stride, pad)
        terms.append(add(squares_in_groups(q, quad.shape[0] // lin.shape[0], to * to), conv(x, side, lin, stride, pad)[0]))
    z, side = conv(terms[0], side // 2, state["convex_layers.0.weight"], 2, 1, state["convex_layers.0.bias"])
    z = celu(add(z, terms[1]), 1)
    for i in (1, 4):
        z, side = conv(z, side, state["pos_features.%d.weight" % i], 2, 1, state["pos_features.%d.bias" % i])
        z = celu(z, 0.2)
    return conv(z, side, state["pos_features.7.weight"], 1, 0, state["pos_features.7.bias"])[0][0] + 0.005 * sum(u * u for u in x)


# ---- as the file ------------------------------------------------------------------------------------


def read(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, t in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + at for at in t["data_offsets"])
            kind = "d" if t["dtype"] == "F64" else "f"
            tensors[name] = Tensor(t["shape"], list(struct.unpack("<%d%s" % ((end - begin) // struct.calcsize(kind), kind), data[begin:end])))
    return tensors


def generator(f, z):
    h = leaky(linear(z, f["alpha.start.weight"], f["alpha.start.bias"]))
    side = math.isqrt(len(h) // f["alpha.block.0.first.weight"].shape[1])
    blocks = sum(name.endswith(".first.weight") for name in f)
    for k in range(blocks):
        name = "alpha.block.%d." % k
        d = leaky(conv(h, side, f[name + "first.weight"], 1, 1, f[name + "first.bias"])[0])
        d = conv(d, side, f[name + "second.weight"], 1, 1, f[name + "second.bias"])[0]
        shortcut = f.get(name + "shortcut.weight")
        if shortcut:
            h = conv(h, side, Tensor(list(shortcut.shape) + [1, 1], shortcut.numbers), 1, 0)[0]
        h = leaky(add(h, d))
        if k % 2 and k + 1 < blocks:
            h, side = double_size(h, side), 2 * side
    return [math.tanh(u) for u in conv(h, side, f["alpha.image.weight"], 1, 1, f["alpha.image.bias"])[0]]


def potential(f, v, x):
    side, p = math.isqrt(len(x) // 3), "psi.v%d." % v
    rank = f[p + "input.0.quad"].shape[0] // f[p + "input.0.lin"].shape[0]
    z, to = None, side
    for i, (stride, pad) in enumerate(((2, 1), (4, 2))):
        if i:
            z, to = conv(z, side // 2, f[p + "hidden.0.weight"], 2, 1, f[p + "hidden.0.bias"])
        q, to = conv(x, side, f[p + "input.%d.quad" % i], stride, pad)
        u = add(squares_in_groups(q, rank, to * to), conv(x, side, f[p + "input.%d.lin" % i], stride, pad)[0])
        z = celu(add(z, u), 1) if i else u
    for i in (1, 2):
        z, to = conv(z, to, f[p + "hidden.%d.weight" % i], 2, 1, f[p + "hidden.%d.bias" % i])
        z = celu(z, 0.2)
    return conv(z, to, f[p + "hidden.3.weight"], 1, 0, f[p + "hidden.3.bias"])[0][0] + 0.005 * sum(u * u for u in x)


def main():
    f, states, pair = read(sys.argv[1]), celeba(), sys.argv[2].capitalize()
    rng = random.Random(1)
    z = [rng.gauss(0, 1) for _ in range(f["alpha.start.weight"].shape[1])]
    x, expected = generator(f, z), original_generator(states["Final_G"], z)
    worst = max(abs(a - b) for a, b in zip(x, expected))
    spread = max(x) - min(x)
    if len(x) != len(expected) or spread < 0.05 or worst > 1e-6:
        sys.exit("the generator is another one: %d and %d numbers, spread %g, difference %g" % (len(x), len(expected), spread, worst))
    for v in (1, 2):
        a, b = potential(f, v, x), original_potential(states["%s_v%d" % (pair, v)], x)
        if abs(a - b) > 1e-9 * (1 + abs(b)):
            sys.exit("potential %d is another one: %.12g, not %.12g" % (v, a, b))
    if f["alpha.noise"].numbers != [0.01] or f["psi.scale"].numbers != [0.5]:
        sys.exit("noise %s and scale %s" % (f["alpha.noise"].numbers, f["psi.scale"].numbers))


main()
