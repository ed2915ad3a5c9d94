#!/bin/bash
# Divergence 4, devices 5, memory 6, disk 7; what was good before stays good.
. "$(dirname "$0")/cli.sh"
expect 0 train $tiny out=run --quiet
expect 0 sample gaussian source data.n=2 --n 5000 --out x.npy

expect 4 train $tiny train.divergence=1e-9 out=diverged --quiet

for arguments in "train $tiny out=other" "info run" "map run --in x.npy --out y.npy" "sample gauss8 source --out y.npy"; do
    expect 5 $arguments device=cuda:99
    says "cuda:99"
done
absent other

if [ "$sanitized" = 1 ]; then
    echo "SKIPPED here: exit 6, because a sanitizer needs all of the address space"
else
    code=0
    (ulimit -v 600000 && "$brenier" train $tiny data.n=64 train.batch=16777216 out=large) >out 2>err || code=$?
    [ "$code" = 6 ] || problem "too little memory: exit $code, expected 6: $(cat err)"
    says "brenier: "
    for limit in 300000 400000 500000 700000; do # SOAP loads the BLAS, which has room for its buffers or has not
        code=0
        (ulimit -v $limit && timeout 60 "$brenier" train $tiny train.potential.kind=soap out=limited threads=1 --quiet) >out 2>err || code=$?
        [ "$code" = 0 ] || [ "$code" = 6 ] || problem "ulimit -v $limit: exit $code, expected 0 or 6: $(cat err)"
        rm -rf limited
    done
fi

# a path below a regular file cannot be written, not even by root
echo text >file
expect 7 train $tiny out=file/run
expect 7 map run --in x.npy --out file/y.npy
expect 7 conjugate run --in x.npy --out y.npy --values file/v.csv
expect 7 sample gauss8 source --out file/y.npy
expect 7 plot run --out file/map.png
absent y.npy
[ "$(cat file)" = text ] || problem "the file was changed"
"$brenier" devices >/dev/full 2>err
[ $? = 7 ] || problem "a full standard output is not exit 7"
says "standard output"

# a disk that fills up: files of 8 KiB at most; the former output and the former checkpoint stay
limited() { (trap '' XFSZ && ulimit -f 8 && "$brenier" "$@") >out 2>err; }
echo former >y.npy
limited map run --in x.npy --out y.npy
[ $? = 7 ] || problem "map on a full disk is not exit 7: $(cat err)"
[ "$(cat y.npy)" = former ] || problem "the former y.npy is gone"

long="train $tiny train.steps=1000000 train.eval_every=50 out=long --quiet"
"$brenier" $long 2>err &
pid=$!
until_logged long 2
kill -s TERM $pid
wait $pid
cp long/latest.safetensors long/best.safetensors .
limited $long
[ $? = 7 ] || problem "training on a full disk is not exit 7: $(cat err)"
[ "$(wc -l <err)" = 1 ] || problem "expected one line, got: $(cat err)"
cmp -s latest.safetensors long/latest.safetensors || problem "the former checkpoint is gone"
[ "$(ls -A long | wc -l)" = 5 ] || problem "left behind: $(ls -A long)"
expect 0 info long/latest.safetensors
finish
