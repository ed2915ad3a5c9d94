"""What the bench scripts share: options, the benchmark pairs, runs that are kept, tables."""
import argparse
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Published L2-UVP of an MLP potential with L-BFGS, the better of regression and objective amortization; filled by
# parse() from what `brenier table --published` prints.
PUBLISHED_UVP = {}


def fail(line):
    sys.exit(f"{Path(sys.argv[0]).name}: {line}")


def parser(doc, dimensions):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--n", type=int, nargs="+", default=dimensions, help="dimensions (default %(default)s)")
    p.add_argument("--pairs", type=Path, action="append", metavar="DIR",
                   help="folder of hd_<n>.safetensors, else hd_<n>_standin.safetensors; may be repeated "
                        "(default ../shared/w2bench)")
    p.add_argument("--build", type=Path, default=ROOT / "build", metavar="DIR", help="build folder (default build)")
    p.add_argument("--csv", type=Path, metavar="FILE", help="write the numbers as CSV too")
    return p


def keep_options(p, name):
    p.add_argument("--out", type=Path, default=ROOT / "runs" / "bench" / name, metavar="DIR",
                   help=f"what was measured is kept here and not measured again (default runs/bench/{name})")
    p.add_argument("--again", action="store_true", help="measure again what --out holds")


def training_options(p, name, seeds):
    """Options of scripts that train by the command, several runs at a time."""
    keep_options(p, name)
    p.add_argument("--seeds", type=int, nargs="+", default=seeds, help="seeds (default %(default)s)")
    p.add_argument("--jobs", type=int, default=1, help="runs at a time (default 1)")
    p.add_argument("--threads", type=int, default=1, help="threads of each (default 1)")
    p.add_argument("setting", nargs="*", help="key=value for every training")


def parse(p):
    """The command line; key=value may stand anywhere."""
    settings = [a for a in sys.argv[1:] if re.match(r"[a-z][a-z0-9_.]*=", a)]
    args = p.parse_args([a for a in sys.argv[1:] if a not in settings])
    if settings and "setting" not in args:
        p.error(f"takes no settings, found {settings[0]}")
    args.setting = settings
    args.pairs = args.pairs or [ROOT.parent / "shared" / "w2bench"]
    args.load = os.getloadavg()[0]
    args.command = args.build / "brenier"
    if not args.command.exists():
        fail(f"no {args.command}: build first, or name the build folder with --build")
    PUBLISHED_UVP.update(published(args))
    return args


def published(args):
    best = {}
    for row in csv.DictReader(output(args.command, "table", "--published", "--format", "csv").splitlines()):
        if row["potential"] == "MLP" and row["solver"] == "L-BFGS" and row["amortization"] in ("objective", "regression"):
            n = int(row["n"])
            best[n] = min(float(row["published"]), best.get(n, float("inf")))
    return best


# ---- where it runs -------------------------------------------------------------------------------

def output(*command):
    try:
        return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def commit():
    return output("git", "-C", ROOT, "describe", "--always", "--dirty")


def describe(args):
    """One line on the machine, one on what runs on it."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    devices = json.loads(output(args.command, "devices", "--json"))
    host = next(d["description"] for d in devices if d["name"] == "host")
    return (f"{model[1] if model else os.uname().machine}, {len(os.sched_getaffinity(0))} cores ({host}), "
            f"load {args.load:.1f} at the start\n"
            f"{output(args.command, '--version')}, commit {commit()}, {os.uname().sysname} {os.uname().release}")


# ---- pairs ---------------------------------------------------------------------------------------

def find_pair(args, n):
    """The pair of a dimension, or None with a line of why not."""
    for folder in args.pairs:
        for name in (f"hd_{n}.safetensors", f"hd_{n}_standin.safetensors"):
            if (folder / name).exists():
                return (folder / name).resolve()
    print(f"n = {n} left out: no hd_{n}.safetensors in {', '.join(map(str, args.pairs))}", file=sys.stderr)
    return None


def is_standin(pair):
    """Made by bench/peers/w2pair.py: scores on it compare with nothing published."""
    with open(pair, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return "stand-in" in header.get("__metadata__", {}).get("source", "")


def pairs_of(args):
    """{n: path} of the wanted dimensions whose pair is there."""
    found = {n: pair for n in args.n if (pair := find_pair(args, n))}
    if not found:
        fail("no pair to measure on")
    return found


# ---- runs ----------------------------------------------------------------------------------------

def kept(args, path, arguments, measure):
    """What `path` holds for the same arguments, else measure() (a dict) and keep it there."""
    if path.exists() and not args.again:
        held = json.loads(path.read_text())
        if held["arguments"] != arguments:
            fail(f"{path} holds another measurement ({' '.join(held['arguments'])}): "
                 "name another --out, or --again")
        return held
    held = {"arguments": arguments, "commit": commit(), **measure()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(held, indent=1))
    temporary.replace(path)
    return held


class Failed(Exception):
    pass


class TooLong(Failed):
    pass


def run_json(command, limit=None):
    """The JSON a command prints, and its wall time; TooLong after `limit` seconds."""
    start = time.monotonic()
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise TooLong(f"not finished within {limit} s") from None
    seconds = time.monotonic() - start
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Failed(f"exit {done.returncode}: {last}")
    return {"result": json.loads(done.stdout), "wall_seconds": seconds}


def fresh_folder(folder):
    """A training that was interrupted starts over: its time is that of one process."""
    if (folder / "config.yaml").exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def train(args, folder, settings):
    """One `brenier train` to its end; its JSON in ["result"]."""
    settings = [*settings, f"threads={args.threads}", *args.setting]

    def measure():
        fresh_folder(folder / "run")
        return run_json([args.command, "train", *settings, f"out={folder / 'run'}", "--quiet", "--json"])

    return kept(args, folder / "result.json", settings, measure)


def train_all(args, runs):
    """{key: settings} to {key: what train() gives}; a run that fails is named and left out."""
    def one(item):
        key, settings = item
        name = "_".join(f"{k}{v}" for k, v in key)
        try:
            held = train(args, args.out / name, settings)
        except Failed as failure:
            print(f"{name}: {failure}", file=sys.stderr)
            return key, None
        print(f"{name}: L2-UVP {held['result']['l2_uvp_forward']:.4g} % in {held['wall_seconds']:.0f} s", file=sys.stderr)
        return key, held

    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        return {key: held for key, held in pool.map(one, runs.items()) if held}


# ---- tables --------------------------------------------------------------------------------------

def median(values):
    return statistics.median(values)


def number(value, digits=3):
    """Few digits, no exponent; a dash for what is not known."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"
    return str(value)


def print_table(columns, rows):
    """Rows are dictionaries by column."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(number(row.get(c)) for c in columns)} |")


def write_csv(path, columns, rows):
    if not path:
        return
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def report(args, columns, rows, held=(), csv_rows=None):
    """What was measured where, the table, the CSV."""
    print(describe(args))
    if commits := sorted({h["commit"] for h in held} - {commit()}):
        print(f"some numbers are of commit {', '.join(commits)} (kept in {args.out}; --again measures them again)")
    print_table(columns, rows)
    csv_rows = rows if csv_rows is None else csv_rows
    write_csv(args.csv, list(csv_rows[0]) if csv_rows else columns, csv_rows)
