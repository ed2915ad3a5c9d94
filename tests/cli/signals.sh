#!/bin/bash
# SIGINT and SIGTERM save and stop; what is resumed equals what never stopped.
. "$(dirname "$0")/cli.sh"

# start ARGUMENTS...: train in the background until it has logged another evaluation
start() {
    local lines=0
    [ -e run/log.csv ] && lines=$(wc -l <run/log.csv)
    "$brenier" "$@" >out 2>err &
    pid=$!
    until_logged run $((lines + 1 + (lines == 0)))
}

stopped() { # SIGNAL CODE
    kill -s "$1" $pid
    wait $pid
    local code=$?
    [ $code = "$2" ] || problem "SIG$1: exit $code, expected $2: $(cat err)"
    [ "$(grep -c '^brenier: ' err)" = 1 ] || problem "SIG$1: expected one line, got: $(cat err)"
    says "--resume"
    [ -s run/latest.safetensors ] || problem "SIG$1 left no checkpoint"
}

mkdir broken whole
whole_run="train $tiny train.steps=8000 train.eval_every=100 out=run --quiet"
cd broken || exit 1
start $whole_run
stopped INT 130
expect 0 info run/latest.safetensors
start train --resume out=run --quiet
stopped TERM 143
expect 0 train --resume out=run --quiet
cd ../whole || exit 1
expect 0 $whole_run
cd .. || exit 1
for file in latest best; do
    cmp broken/run/$file.safetensors whole/run/$file.safetensors || problem "$file differs from the run that never stopped"
done

# other commands stop between two chunks and leave nothing behind
"$brenier" sample gaussian source data.n=2 --n 100000000000 --out endless.npy >out 2>err &
pid=$!
for ((i = 0; i < 1000; ++i)); do
    compgen -G '.brenier-*' >none && break
    sleep .01
done
kill -s INT $pid
wait $pid
[ $? = 130 ] || problem "sample did not stop: $(cat err)"
says "nothing was written"
absent endless

expect 3 train --resume $tiny out=nowhere
says "nowhere"
finish
