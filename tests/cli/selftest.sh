#!/bin/bash
# The selftest, the memory plan, the device that auto takes.
. "$(dirname "$0")/cli.sh"

expect 0 selftest --device host
for line in "gemm" "lbfgs_direction" "normal" "SOAP" "50 steps" "solutions" "host: ALL HOLD"; do prints "$line"; done
expect 0 selftest --device host --json
for key in '"holds":	true' '"share"' '"gflops"' '"gbytes"' '"launches_per_step"' '"distance"' '"verdict":	"holds"'; do prints "$key"; done

# a device that fails is not passed over
export BRENIER_DEVICE_MEMORY=30000
expect 5 selftest --device host
says "not every device"
prints "FAILS"
prints "do not fit"
prints "DOES NOT HOLD"
expect 5 selftest --device host --json
prints '"holds":	false'
prints '"verdict":	"FAILS"'
BRENIER_DEVICE_MEMORY=many expect 2 train $tiny out=run
says "BRENIER_DEVICE_MEMORY"

# too little for anything, for the whole batch, enough
tiny="$tiny eval.points=2048" # of which the monitored rows come
expect 6 train $tiny device=host:strict out=run
says "the largest parts are"
says "lower"
absent run
export BRENIER_DEVICE_MEMORY=400000
expect 0 train $tiny device=host:strict out=run
grep -q '^memory on host:strict: .*activations.*rows at a time 64 (2048 would not fit)' err || problem "no plan with chunks: $(head -1 err)"
expect 0 sample gaussian source data.n=2 --n 5000 --out x.npy device=host
expect 0 map run --in x.npy --out small.npy device=host:strict
expect 0 map run --in x.npy --out back.npy --inverse device=host:strict
unset BRENIER_DEVICE_MEMORY
expect 0 map run --in x.npy --out large.npy device=host:strict
cmp -s small.npy large.npy || problem "the map of chunks differs from that of the whole"
expect 0 train $tiny --plan
prints "solver state"
expect 0 train $tiny --plan --json device=host:strict
prints '"full_rows":	2048'
expect 0 train $tiny out=run2 --json
prints '"device_memory"'

expect 0 train $tiny out=run3 device=auto
grep -q '^device auto: ' err || problem "auto does not say what it chose: $(head -2 err)"
finish
