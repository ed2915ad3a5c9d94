#!/bin/bash
# Pairs with known maps: made, described, trained on; published checkpoints converted, and hostile ones refused.
here=$(realpath "$(dirname "$0")")
. "$here/cli.sh"
short="threads=1 train.steps=40 train.eval_every=20 train.pretrain_steps=20 amortizer.hidden=16 eval.points=128 eval.sinkhorn_points=32"

expect 0 benchmark make n=2 seed=3 out=pair.safetensors $short
prints "made by brenier, not a published pair"
prints "linear map"
grep -q "network 2 of 2" err || problem "no progress of the second network: $(cat err)"
for file in pair.safetensors pair_eval.safetensors pair_runs/v1/log.csv pair_runs/v2/best.safetensors; do
    [ -s $file ] || problem "$file is missing"
done
expect 0 benchmark make n=2 seed=3 out=again.safetensors runs=pair_runs $short --json --quiet
[ ! -s err ] || problem "--quiet wrote: $(cat err)"
prints '"linear_l2_uvp_forward"'
cmp -s pair.safetensors again.safetensors || problem "the same trainings gave another pair"
cmp -s pair_eval.safetensors again_eval.safetensors || problem "the same trainings gave other evaluation points"
expect 0 info pair.safetensors
prints "made by brenier, not a published pair"
prints "brenier benchmark make n=2 seed=3"
expect 0 info pair.safetensors --json
prints '"sinkhorn_v2"'
expect 0 train $tiny data.pair=pair.safetensors out=run
expect 0 eval run --json
prints '"l2_uvp_forward"'
prints "pair.safetensors (made by brenier, not a published pair)"
expect 0 eval run
prints "pair.safetensors (made by brenier, not a published pair)"
expect 0 info run
prints "pair.safetensors (made by brenier, not a published pair)"
expect 0 train $tiny data.pair=mixtures:3:1 data.n=2 out=mixtures --quiet

expect 2 benchmark make out=result.safetensors
says "needs n="
expect 2 benchmark make n=two
says "n takes a whole number"
expect 2 benchmark make n=2 seed=4294967296
says "seed takes a whole number"
expect 2 benchmark make n=2 out=result.txt
says "result.txt"
expect 2 benchmark mkae n=2
says "did you mean make?"
expect 2 benchmark make n=2 potential.kind=mlp
says "not potential.kind"
expect 2 benchmark make n=2 seed=4 out=result.safetensors runs=pair_runs $short
says "pair_runs/v1 holds another run: seed"
absent result
mkdir closed
: >closed/v1
expect 7 benchmark make n=2 out=result.safetensors runs=closed $short
absent result

# solvers on a trained potential
expect 0 bench conjugate run --rows 64 --gtol 0.1,1e-3 threads=1
prints "strong Wolfe"
prints "failed %"
expect 0 bench conjugate run --rows 64 --csv threads=1
[ "$(wc -l <out)" = 25 ] || problem "solvers, starts and tolerances gave $(wc -l <out) lines"
expect 0 bench conjugate run --earlier run/latest.safetensors --rows 64 --gtol 1e-2 --repeat 1 --csv threads=1
prints "armijo,earlier,0.01,64,"
expect 3 bench conjugate run --earlier missing --rows 64 threads=1
says "missing"
expect 0 bench conjugate run --rows 64 --gtol 1e-2 --repeat 1 --json threads=1
prints '"astray"'
prints '"reference"'
"$brenier" bench conjugate run --rows 32 --gtol 1e-2 --repeat 1 --out solvers.svg --iterations 10 threads=1 >out 2>err
if grep -q "built without" err; then
    echo "skipped: figures (no cairo)"
else
    [ "$(head -c 5 solvers.svg)" = "<?xml" ] || problem "solvers.svg: $(cat err)"
    expect 2 bench conjugate run --rows 32 --out result.txt threads=1
    says "result.txt"
    expect 7 bench conjugate run --rows 32 --out missing/result.svg threads=1
    absent result
fi
expect 2 bench conjugate run --gtol 0.1,
says "--gtol"
expect 2 bench conjugate run --gtol -1
expect 2 bench conjugate run --json --csv
expect 2 bench map run
says "did you mean conjugate?"
expect 3 bench conjugate missing
says "missing"

# published checkpoints, as far as those stand-ins are
if command -v python3 >/dev/null; then
    torch() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../fuzz" python3 "$@"; }
    torch "$here/../fuzz/torch_file.py" clone 2
    torch "$here/../fuzz/torch_file.py" clone 1
    mkdir pairs
    "$brenier" convert clone --n 1 threads=1 >out 2>err
fi
if ! command -v python3 >/dev/null || grep -q "libzip" err; then
    echo "skipped: conversion (no python3, or no libzip)"
else
    expect 0 convert clone --out pairs threads=1
    [ "$(cat out)" = "$(printf 'pairs/hd_1.safetensors\npairs/hd_2.safetensors')" ] || problem "converted: $(cat out)"
    expect 0 convert clone/benchmarks/Mix3toMix10 --n 2 --out . threads=1
    cmp -s hd_2.safetensors pairs/hd_2.safetensors || problem "the folder gave another pair than the clone"
    expect 0 info hd_2.safetensors
    prints "arXiv:2106.01954"
    expect 0 train $tiny data.pair=hd_2.safetensors out=converted --quiet
    expect 2 convert clone --n 2,x
    says "--n"
    expect 3 convert clone --n 3 --out pairs
    says "3_v1.pt"
    mkdir empty results
    expect 3 convert empty
    says "<n>_v1.pt"
    expect 3 convert missing --out results
    says "missing"
    cp "$here"/../fuzz/corpus/torch/os_system.pt clone/benchmarks/Mix3toMix10/2_v2.pt
    expect 3 convert clone --n 2 --out results
    says "system, which is not allowed"
    cp "$here"/../fuzz/corpus/torch/plain.pt clone/benchmarks/Mix3toMix10/2_v2.pt
    expect 3 convert clone --n 2 --out results
    says "no tensor 'quadratic_layers.0.quadratic_decomposed'"
    cp clone/benchmarks/Mix3toMix10/1_v1.pt clone/benchmarks/Mix3toMix10/2_v1.pt
    expect 3 convert clone --n 2 --out results
    says "has the sizes 1 x 1 x 64, expected 2 x 1 x 64"
    [ -z "$(ls results)" ] || problem "left behind: $(ls results)"
fi
finish
