#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus/: small files of every form the parsers accept, and some they
refuse. Standard library only; the same bytes every time. Those of model/ come from brenier train
instead (data.n=2 potential.hidden=4,4 amortizer.hidden=4 train.steps=2), one per kind of network."""
import base64
import io
import json
import os
import pathlib
import struct
import zipfile
import zlib

from torch_file import Tensor, archive, members_of, pickled

ROOT = pathlib.Path(__file__).parent / "corpus"


def npy(descr, shape, data, fortran=False, version=1):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def npz(members, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


SIX = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
SIX_UNIT = struct.pack("<6f", -1, -0.5, 0, 0.25, 0.5, 1)
F = npy("<f4", (3, 2), SIX)

TABLES = {
    "f4.npy": F,
    "f8.npy": npy("<f8", (2,), struct.pack("<2d", 0.5, -3e38), version=2),
    "f8_overflow.npy": npy("<f8", (2,), struct.pack("<2d", 0.5, 1e300), version=3),
    "nan.npy": npy("<f4", (1, 2), struct.pack("<2f", 1, float("nan"))),
    "fortran.npy": npy("<f4", (3, 2), SIX, fortran=True),
    "i8.npy": npy("<i8", (2, 1), struct.pack("<2q", -1, 1 << 60)),
    "u1.npy": npy("|u1", (2, 3), bytes(range(6))),
    "bool.npy": npy("|b1", (2, 3), bytes([0, 1, 1, 0, 1, 0])),
    "big_endian.npy": npy(">f4", (3, 2), SIX),
    "object.npy": npy("|O", (3, 2), SIX),
    "records.npy": npy([("x", "<f4")], (6,), SIX),
    "huge_shape.npy": npy("<f4", (1 << 40, 1 << 40), SIX),
    "no_rows.npy": npy("<f4", (0, 2), b""),
    "truncated.npy": F[:-3],
    "stored.npz": npz({"a.npy": F, "b.npy": npy("<f4", (3, 2), SIX, fortran=True)}, zipfile.ZIP_STORED),
    "grey.npy": npy("|u1", (2, 3, 4), bytes(range(24))),
    "channels_first.npy": npy("|u1", (2, 3, 2, 2), bytes(range(24))),
    "channels_last.npy": npy("<f4", (1, 2, 1, 3), SIX_UNIT, fortran=True),
    "five_axes.npy": npy("<f4", (1, 1, 1, 2, 3), SIX),
    "huge_picture.npy": npy("|u1", (1, 1 << 30, 1 << 31, 3), SIX),
    "wrong_scale.npy": npy("<f8", (1, 1, 2, 1), struct.pack("<2d", 0, 255)),
    "no_channels.npy": npy("|u1", (1, 2, 2, 2), bytes(8)),
    "empty_pictures.npy": npy("|u1", (2, 0, 2, 3), b""),
    "pictures.npz": npz({"faces.npy": npy("|u1", (2, 2, 2, 3), bytes(24), fortran=True)}, zipfile.ZIP_DEFLATED),
    "deflated.npz": npz({"a.npy": npy("|u1", (300, 2), bytes(600), fortran=True)}, zipfile.ZIP_DEFLATED),
    "no_arrays.npz": npz({"a.txt": b"hello"}, zipfile.ZIP_STORED),
    "plain.csv": b"1,2\n3,4.5e-1\n-5,+.6\n",
    "header.csv": b'\xef\xbb\xbfx,"y ""1"", mm"\r\n# note\r\n1,"2"\r\n3,4\r\n\r\n',
    "semicolon.csv": b"w;x\n0.5;2\n0;1e-40\n",
    "spaces.csv": b"  1  2\n3\t 4 \n",
    "tabs.csv": b"1\t2\n3\t4\n",
    "digits.csv": b"123456789012345678901234567890,1e400\n9007199254740993,0.1\n",
    "words.csv": b"1,2\nnan,inf\n",
    "ragged.csv": b"1,2\n3\n",
    "quotes.csv": b'1,2\n"3,4\n',
    "gap.csv": b"1\n\n2\n",
    "empty.csv": b"",
}



def photographs(**other):
    """A pair of the image benchmark, 16 x 16 pixels, as small as can be; sizes by name replaced."""
    shapes = {"alpha.start.weight": (256, 1), "alpha.start.bias": (256,), "alpha.image.weight": (3, 1, 3, 3), "alpha.image.bias": (3,)}
    for k in (0, 1):
        for part in ("first", "second"):
            shapes.update({"alpha.block.%d.%s.weight" % (k, part): (1, 1, 3, 3), "alpha.block.%d.%s.bias" % (k, part): (1,)})
    for v in ("psi.v1.", "psi.v2."):
        for i, side in ((0, 4), (1, 7)):
            shapes.update({v + "input.%d.quad" % i: (1, 3, side, side), v + "input.%d.lin" % i: (1, 3, side, side)})
        for i in range(4):
            shapes.update({v + "hidden.%d.weight" % i: (1, 1, 4, 4) if i < 3 else (1, 1, 1, 1), v + "hidden.%d.bias" % i: (1,)})
    shapes.update({name.replace("__", "."): shape for name, shape in other.items()})
    header = {"__metadata__": {"formula_version": "images 1"}, "alpha.noise": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
              "psi.scale": {"dtype": "F64", "shape": [1], "data_offsets": [8, 16]}}
    data = struct.pack("<2d", 0.01, 0.5)
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack("<f", 0.125) * count
    return safetensors(header, data)


A = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
MODELS = {
    "one.safetensors": safetensors({"__metadata__": {"n": "2", "note": "\u00e4 \"q\""}, "a": A}, SIX),
    "types.safetensors": safetensors(
        {"d": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}, "l": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
         "i": {"dtype": "I32", "shape": [1], "data_offsets": [16, 20]}, "u": {"dtype": "U8", "shape": [3], "data_offsets": [20, 23]},
         "e": {"dtype": "F32", "shape": [0, 4], "data_offsets": [23, 23]}}, struct.pack("<dqi3B", 0.1, -7, 5, 1, 2, 3)),
    "padded.safetensors": safetensors(b"{}      "),
    "overlap.safetensors": safetensors({"a": A, "b": dict(A, data_offsets=[4, 28])}, SIX + b"1234"),
    "hole.safetensors": safetensors({"a": A, "b": dict(A, shape=[1], data_offsets=[28, 32])}, SIX + b"12345678"),
    "huge.safetensors": safetensors({"a": dict(A, shape=[1 << 32, 1 << 32, 4])}, SIX),
    "twice.safetensors": safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"12"),
    "nan.safetensors": safetensors({"a": dict(A, shape=[1], data_offsets=[0, 4])}, b"\x00\x00\xc0\x7f"),
    "trailing.safetensors": safetensors(b"{} x"),
    "photographs.safetensors": photographs(),
    "photographs_start.safetensors": photographs(alpha__start__weight=(16, 16)),
    "photographs_empty.safetensors": photographs(psi__v1__input__0__quad=(0, 3, 4, 4)),
    "photographs_side.safetensors": photographs(psi__v2__hidden__3__weight=(1, 1, 2, 2)),
    "long_header.safetensors": struct.pack("<Q", 1 << 60) + b"{}",
    "empty.safetensors": b"",
}

SETTINGS = {
    "nested.yaml": b"preset: 2d\nseed: 7\ntrain:\n  steps: 1e3\n  potential: {lr: 0.5, kind: adamw}\npotential:\n  hidden: [64, 32]\n",
    "dotted.yaml": b"train.steps: 10\ntrain.potential.lr: 1e-3\ndata.pair: gauss8\n",
    "quoted.yaml": b'out: "a \\u00e9 \\"b\\""\ndevice: \'host:f64\'\n# note\n',
    "automatic.yaml": b"train:\n  batch: auto\n  steps: auto\namortizer:\n  hidden: auto\n",
    "empty.yaml": b"",
    "unknown.yaml": b"trian:\n  steps: 3\n",
    "twice.yaml": b"seed: 1\nseed: 2\n",
    "anchor.yaml": b"train: &a\n  steps: 1\n",
    "deep.yaml": b"{a: [{a: [{a: [",
    "two_documents.yaml": b"seed: 1\n---\nseed: 2\n",
}


def png(width, height, depth, kind, data, extra=b"", interlace=0, crc=0):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ crc)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)) + extra
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


# 8 x 8 pixels in grey, as brn_image_write writes them
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDA"
    "sKDAkKCgr/wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIh"
    "MUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhI"
    "WGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APnn"
    "wR/wRK+5/wAUj/5A/wDrV//Z")
SIZE = JPEG.index(b"\xff\xc0") + 5
RED = b"\0\xff\x10\x20"

IMAGES = {
    "rgb.png": png(1, 2, 8, 2, RED * 2),
    "grey16.png": png(2, 1, 16, 0, b"\0\x80\x80\xff\xff"),
    "bits.png": png(9, 1, 1, 0, b"\0\xaa\x80"),
    "palette.png": png(2, 1, 8, 3, b"\0\0\1", struct.pack(">I", 6) + b"PLTE\1\2\3\4\5\6" + struct.pack(">I", zlib.crc32(b"PLTE\1\2\3\4\5\6"))),
    "palette_missing.png": png(2, 1, 8, 3, b"\0\0\1"),
    "alpha.png": png(1, 1, 8, 6, b"\0\1\2\3\x40"),
    "interlaced.png": png(1, 1, 8, 2, RED, interlace=1),
    "wrong_crc.png": png(1, 1, 8, 2, RED, crc=1),
    "short_data.png": png(4, 4, 8, 2, RED),
    "huge.png": png(1 << 30, 1 << 30, 8, 2, RED),
    "claims.png": png(16000, 16000, 8, 2, RED),
    "none.png": png(0, 0, 8, 2, b""),
    "cut.png": png(1, 2, 8, 2, RED * 2)[:-20],
    "grey.jpg": JPEG,
    "cut.jpg": JPEG[:-30],
    "claims.jpg": JPEG[:SIZE] + b"\xff\xff\xff\xff" + JPEG[SIZE + 4:],
    "four.jpg": JPEG[:SIZE + 4] + b"\4" + JPEG[SIZE + 5:],
}


def checkpoint(protocol=2, **edits):
    """w [2][3] and b [3], with members replaced (None: left out)"""
    members = members_of({"w": Tensor((2, 3), [1, 2, 3, 4, 5, 6]), "b": Tensor((3,), [7, 8, 9], kind="d")}, protocol)
    members.update({name.replace("__", "/").replace("_pkl", ".pkl"): data for name, data in edits.items()})
    return archive({name: data for name, data in members.items() if data is not None})


class Command:
    """What a hostile pickle would run."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def nested(depth):
    return b"\x80\x02" + b"(" * depth + b"t" * depth + b"."


def with_view(offset, shape, stride):
    members = members_of({"w": Tensor((6,), [1, 2, 3, 4, 5, 6])})
    tensor = Tensor(shape, [0] * 6, offset, stride)
    return archive(dict(members, **{"data.pkl": members_of({"w": tensor})["data.pkl"]}))


GOOD = checkpoint()
CHECKPOINTS = {
    "plain.pt": GOOD,
    "protocol4.pt": checkpoint(4),
    "transposed.pt": with_view(0, (2, 3), (1, 2)),
    "os_system.pt": checkpoint(data_pkl=pickled(Command(os.system, "echo broken"))),
    "eval.pt": checkpoint(data_pkl=pickled({"w": Command(eval, "1")}, 4)),
    "past_storage.pt": with_view(1, (2, 3), (3, 1)),
    "stride_overflow.pt": with_view(0, (3, 2), (1 << 62, 1 << 62)),
    "broadcast.pt": with_view(0, (1 << 20, 1 << 20), (0, 0)),
    "no_storage.pt": checkpoint(data__0=None),
    "short_storage.pt": checkpoint(data__0=b"1234"),
    "truncated_pickle.pt": checkpoint(data_pkl=members_of({"w": Tensor((1,), [1])})["data.pkl"][:-9]),
    "endless_text.pt": checkpoint(data_pkl=b"\x80\x02X\xff\xff\xff\xffabc."),
    "far_memo.pt": checkpoint(data_pkl=b"\x80\x02}r\xff\xff\xff\xff."),
    "empty_memo.pt": checkpoint(data_pkl=b"\x80\x02h\x07."),
    "nested.pt": checkpoint(data_pkl=nested(20000)),
    "circle.pt": checkpoint(data_pkl=b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."),
    "no_items.pt": checkpoint(data_pkl=b"\x80\x02s."),
    "odd_items.pt": checkpoint(data_pkl=b"\x80\x02}(K\x01u."),
    "instance.pt": checkpoint(data_pkl=b"(ios\nsystem\n."),
    "old_version.pt": checkpoint(version=b"2\n"),
    "two_roots.pt": archive({"a/data.pkl": b".", "b/version": b"3"}, root=""),
    "deflated.pt": archive(members_of({"w": Tensor((600,), [0] * 600)}), method=zipfile.ZIP_DEFLATED),
    "counter.pt": archive(members_of({"w": Tensor((2, 3), [1, 2, 3, 4, 5, 6]), "b": Tensor((3,), [7, 8, 9]), "n": Tensor((), [7], kind="q")})),
    "integers.pt": archive(members_of({"w": Tensor((2, 3), [1, 2, 3, 4, 5, 6], kind="q")})),
    "lfs_pointer.pt": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 10\n",
    "truncated.pt": GOOD[:-30],
    "torn.pt": GOOD[:200],
    "empty.pt": b"",
}

for folder, files in (("table", TABLES), ("safetensors", MODELS), ("settings", SETTINGS), ("image", IMAGES), ("torch", CHECKPOINTS)):
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (ROOT / folder / name).write_bytes(data)
