#!/bin/bash
# SIGINT and SIGTERM save and stop; what is resumed equals what never stopped.
. "$(dirname "$0")/cli.sh"

# start ARGUMENTS...: train in the background until it has logged another evaluation
start() {
    local lines
    lines=$(cat run/log.csv 2>/dev/null | wc -l)
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
whole_run="train $tiny train.steps=1500 train.eval_every=100 out=run --quiet"
cd broken
start $whole_run
stopped INT 130
expect 0 info run/latest.safetensors
start train --resume out=run --quiet
stopped TERM 143
expect 0 train --resume out=run --quiet
cd ../whole
expect 0 $whole_run
cd ..
for file in latest best; do
    cmp broken/run/$file.safetensors whole/run/$file.safetensors || problem "$file differs from the run that never stopped"
done
expect 3 train --resume $tiny out=nowhere
says "nowhere"
finish
