"""PyTorch checkpoints without PyTorch: the ZIP format of torch.save, written with the standard library. Used for the
corpus and by tests of the command; run by itself it writes a clone of the published benchmark with random networks:

    torch_file.py CLONE N
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


def _rebuild_tensor_v2(*args):
    raise AssertionError("never called")


for name, home in ((FloatStorage, torch), (DoubleStorage, torch), (_rebuild_tensor_v2, utils)):
    name.__module__, name.__qualname__ = home.__name__, name.__name__
    setattr(home, name.__name__, name)


class Tensor:
    """numbers in row-major order, as a view of a storage of their own"""

    def __init__(self, shape, numbers, offset=0, stride=None, double=False):
        self.shape, self.numbers, self.offset, self.double = shape, numbers, offset, double
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
        t.storage = (DoubleStorage if t.double else FloatStorage)(str(i), len(t.numbers))
        members["data/%d" % i] = struct.pack("<%d%s" % (len(t.numbers), "d" if t.double else "f"), *t.numbers)
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


def main():
    folder, n = pathlib.Path(sys.argv[1]) / "benchmarks" / "Mix3toMix10", int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(n)
    for part in ("v1", "v2"):
        (folder / ("%d_%s.pt" % (n, part))).write_bytes(archive(members_of(network(n, rng))))


if __name__ == "__main__":
    main()
