"""PyTorch checkpoints without PyTorch: the ZIP format of torch.save, written with the standard library. Used for the
corpus and by tests of the command; run by itself it writes a clone of the published benchmark with random networks, those
of dimension N or pairs of photographs of 16 x 16 pixels:

    torch_file.py CLONE N
    torch_file.py CLONE celeba
"""
import io
import pathlib
import pickle
import random
import struct
import sys
import types
import zipfile
from collections import OrderedDict

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


class FloatStorage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class DoubleStorage(FloatStorage):
    pass


class LongStorage(FloatStorage):
    pass


def _rebuild_tensor_v2(*args):
    raise AssertionError("never called")


KINDS = {"f": FloatStorage, "d": DoubleStorage, "q": LongStorage}
for name, home in ((FloatStorage, torch), (DoubleStorage, torch), (LongStorage, torch), (_rebuild_tensor_v2, utils)):
    name.__module__, name.__qualname__ = home.__name__, name.__name__
    setattr(home, name.__name__, name)


class Tensor:
    """numbers in row-major order, as a view of a storage of their own"""

    def __init__(self, shape, numbers, offset=0, stride=None, kind="f"):
        self.shape, self.numbers, self.offset, self.kind = shape, numbers, offset, kind
        self.stride = stride
        if stride is None:
            self.stride, step = [], 1
            for size in reversed(shape):
                self.stride.insert(0, step)
                step *= size
        self.storage = None

    def __reduce__(self):
        return _rebuild_tensor_v2, (self.storage, self.offset, tuple(self.shape), tuple(self.stride), False, OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, what):
        if isinstance(what, FloatStorage):
            return "storage", type(what), what.key, "cpu", what.count
        return None


def pickled(value, protocol=2):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def archive(members, root="archive/", method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in members.items():
            z.writestr(zipfile.ZipInfo(root + name), data, compress_type=method)
    return out.getvalue()


def members_of(tensors, protocol=2):
    members = {"data.pkl": b"", "version": b"3\n"}
    for i, t in enumerate(tensors.values()):
        t.storage = KINDS[t.kind](str(i), len(t.numbers))
        members["data/%d" % i] = struct.pack("<%d%s" % (len(t.numbers), t.kind), *t.numbers)
    members["data.pkl"] = pickled(OrderedDict(tensors), protocol)
    return members


def network(n, rng):
    """The state of one network of the benchmark, weights that keep it convex."""
    h = (max(2 * n, 64), max(2 * n, 64), max(n, 32))

    def draw(*shape, positive=False):
        count = 1
        for size in shape:
            count *= size
        scale = 1 / shape[-1] if positive else 0.5 / n**0.5
        return Tensor(shape, [abs(rng.gauss(0, scale)) if positive else rng.gauss(0, scale) for _ in range(count)])

    state = OrderedDict()
    for i in range(3):
        state["quadratic_layers.%d.quadratic_decomposed" % i] = draw(n, 1, h[i])
        state["quadratic_layers.%d.weight" % i] = draw(h[i], n)
        state["quadratic_layers.%d.bias" % i] = draw(h[i])
    state["convex_layers.0.weight"] = draw(h[1], h[0], positive=True)
    state["convex_layers.1.weight"] = draw(h[2], h[1], positive=True)
    state["final_layer.weight"] = draw(1, h[2], positive=True)
    return state


def rounded(numbers):
    """as the file holds them"""
    return list(struct.unpack("<%df" % len(numbers), struct.pack("<%df" % len(numbers), *numbers)))


def tensor(rng, scale, *shape, positive=False):
    count = 1
    for size in shape:
        count *= size
    numbers = [rng.gauss(0, scale) for _ in range(count)]
    return Tensor(shape, rounded([abs(x) for x in numbers] if positive else numbers))


def generator(rng, latents=5, start=2, channels=(4, 4, 3, 3, 3, 2, 2)):
    """The state of a generator: blocks from channels[k] to channels[k + 1], doubling after every second one."""
    state = OrderedDict()

    def norm(name, count):
        state[name + ".weight"] = Tensor((count,), rounded([1 + rng.gauss(0, 0.2) for _ in range(count)]))
        state[name + ".bias"] = tensor(rng, 0.2, count)
        state[name + ".running_mean"] = tensor(rng, 0.3, count)
        state[name + ".running_var"] = Tensor((count,), rounded([0.5 + rng.random() for _ in range(count)]))
        state[name + ".num_batches_tracked"] = Tensor((), [1000], kind="q")

    count = channels[0] * start * start
    state["fc.weight"], state["fc.bias"] = tensor(rng, 1, count, latents), tensor(rng, 0.2, count)
    norm("bn1d", count)
    for k, (fin, fout) in enumerate(zip(channels, channels[1:])):
        name, fhidden = "resnet.%d." % (k + k // 2), min(fin, fout)
        state[name + "conv_0.weight"] = tensor(rng, 0.3, fhidden, fin, 3, 3)
        norm(name + "bn2d_0", fhidden)
        state[name + "conv_1.weight"] = tensor(rng, 0.3, fout, fhidden, 3, 3)
        norm(name + "bn2d_1", fout)
        if fin != fout:
            state[name + "conv_s.weight"] = tensor(rng, 0.5, fout, fin, 1, 1)
            norm(name + "bn2d_s", fout)
    state["conv_img.weight"], state["conv_img.bias"] = tensor(rng, 0.3, 3, channels[-1], 3, 3), tensor(rng, 0.2, 3)
    return state


def conv_icnn(rng, rank=2, c=(3, 4, 3, 2), last=1):
    """The state of a potential of images of 16 last pixels a side."""
    state = OrderedDict()
    for i, k in ((0, 4), (1, 7)):
        state["quadratic_layers.%d.quadratic_decomposed.weight" % i] = tensor(rng, 0.3, rank * c[i], 3, k, k)
        state["quadratic_layers.%d.linear.weight" % i] = tensor(rng, 0.2, c[i], 3, k, k)
    names = ("convex_layers.0", "pos_features.1", "pos_features.4", "pos_features.7")
    for name, fin, fout, k in zip(names, c, c[1:] + (1,), (4, 4, 4, last)):
        state[name + ".weight"] = tensor(rng, 0.1 if k == 4 else 1, fout, fin, k, k, positive=True)
        state[name + ".bias"] = tensor(rng, 0.3, fout)
    return state


def celeba():
    """The checkpoints of a small clone by name."""
    rng = random.Random(64)
    # three times 2 -> 4 -> 8 -> 16 pixels
    states = {"Final_G": generator(rng, channels=(4, 4, 3, 3, 3, 2, 2, 2, 2))}
    for pair in ("Early", "Late"):
        for part in ("v1", "v2"):
            states["%s_%s" % (pair, part)] = conv_icnn(rng)
    return states


def main():
    if sys.argv[2] == "celeba":
        folder = pathlib.Path(sys.argv[1]) / "benchmarks" / "CelebA64"
        folder.mkdir(parents=True, exist_ok=True)
        for name, state in celeba().items():
            (folder / (name + ".pt")).write_bytes(archive(members_of(state)))
        return
    folder, n = pathlib.Path(sys.argv[1]) / "benchmarks" / "Mix3toMix10", int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(n)
    for part in ("v1", "v2"):
        (folder / ("%d_%s.pt" % (n, part))).write_bytes(archive(members_of(network(n, rng))))


if __name__ == "__main__":
    main()
