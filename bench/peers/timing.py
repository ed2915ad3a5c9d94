"""What the peers share: their options, how a step is timed, and the JSON line they print."""
import argparse
import json
import os
import resource
import time
from importlib import metadata

import numpy as np

import w2pair

# Published settings of the high-dimensional benchmark.
LEARNING_RATE = 5e-4
SCHEDULE_STEPS = 250_000
FINAL_RATE_FRACTION = 1e-4
BETAS = (0.5, 0.5)
WEIGHT_DECAY = 1e-4
GTOL = 0.1
SOLVER_ITERATIONS = 100
LINE_SEARCH_TRIALS = 10

BLOCK = 10
SETTINGS_SHOWN = ("n", "potential", "batch", "warmup", "steps", "seed")


def hidden_widths(n):
    b = max(n, 32)
    return (2 * b, 2 * b, b)


def parser(description):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--pair", required=True, help="benchmark pair (safetensors), its _eval file beside it")
    p.add_argument("--n", type=int, help="dimension; taken from the pair, checked where given")
    p.add_argument("--potential", choices=("mlp", "icnn"), default="mlp")
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--warmup", type=int, default=300, help="training steps before the timed ones (default 300)")
    p.add_argument("--steps", type=int, default=150, help=f"timed steps, in blocks of {BLOCK} (default 150)")
    p.add_argument("--seed", type=int, default=0)
    return p


def load(p):
    """Parse the command line and read the pair."""
    args = p.parse_args()
    pair = w2pair.load_pair(args.pair)
    if args.n not in (None, pair.n):
        p.error(f"--n {args.n}, but {args.pair} has n = {pair.n}")
    if args.warmup < 1 or args.steps < BLOCK or args.steps % BLOCK:
        p.error(f"--warmup must be at least 1 and --steps a positive multiple of {BLOCK}")
    args.n = pair.n
    return args, pair


def measure(args, pair, step, state):
    """Train args.warmup + args.steps steps of `step(state, x, y) -> state`; sampling is outside every timed block.

    Returns the state and the measured part of the report: quantiles are over blocks of BLOCK steps.
    """
    import jax

    rng = np.random.default_rng(args.seed)

    def block(state, steps):
        batches = jax.device_put([(pair.sample_source(rng, args.batch), pair.sample_target(rng, args.batch))
                                  for _ in range(steps)])
        jax.block_until_ready(batches)
        start = time.perf_counter()
        for x, y in batches:
            state = step(state, x, y)
        jax.block_until_ready(state)
        return state, time.perf_counter() - start

    state, first_step = block(state, 1)
    for done in range(1, args.warmup, BLOCK):
        state, _ = block(state, min(BLOCK, args.warmup - done))
    seconds = []
    for _ in range(args.steps // BLOCK):
        state, elapsed = block(state, BLOCK)
        seconds.append(elapsed)

    p10, median, p90 = np.quantile(1e3 * np.array(seconds) / BLOCK, (0.1, 0.5, 0.9))
    return state, {
        "ms_per_step_median": round(float(median), 3),
        "p10": round(float(p10), 3),
        "p90": round(float(p90), 3),
        "first_step_s": round(first_step, 3),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def report(peer, args, measured, forward_map, packages, **extra):
    """Score the map on the pair's evaluation points and print one line of JSON."""
    points = w2pair.read_safetensors(w2pair.eval_path(args.pair))
    uvp = w2pair.l2_uvp(np.asarray(forward_map(points["X"]), np.float64), points["T"])
    print(json.dumps({
        "peer": peer,
        **{key: getattr(args, key) for key in SETTINGS_SHOWN},
        **measured,
        "uvp_after": round(float(uvp), 3),
        "cpus": len(os.sched_getaffinity(0)),
        "versions": {name: metadata.version(name) for name in packages},
        **extra,
    }))
