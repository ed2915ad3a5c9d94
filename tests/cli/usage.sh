#!/bin/bash
# Help, and everything that can be wrong with the arguments: exit 2 and the nearest name.
. "$(dirname "$0")/cli.sh"

expect 0 --version
prints "brenier 0."
expect 0 --help
prints "exit codes:"
for command in train sweep table curves eval map conjugate plot info sample settings devices selftest help; do
    expect 0 $command --help
    prints "usage: brenier $command"
    prints "examples:"
    expect 0 help $command
done
expect 0 devices
prints "host:f64"
expect 0 devices --json
prints '"name":	"host:strict"'
expect 0 settings
prints "train.potential.weight_decay"
expect 0 settings hd --n 16
prints "hidden: ["
expect 0 settings preset=2d train.steps=77
prints "steps: 77"
expect 0 settings 2d
cp out mine.yaml
expect 0 settings mine.yaml train.batch=33
prints "batch: 33"

expect 2
expect 2 trian
says "did you mean train?"
expect 2 --verison
expect 2 help mpa
says "did you mean map?"
expect 2 train data.pair=gauss8 --rseume
says "did you mean --resume?"
expect 2 train data.pair=gauss8 trian.steps=3
says 'did you mean "train.steps"?'
expect 2 train data.pair=gauss8 train.steps=-3
says "train.steps"
expect 2 train data.pair=gaus8 out=run
says "gauss8"
absent run
expect 2 train
says "data.pair"
expect 2 train --config
says "needs a value"
expect 2 train mine.yaml preset=hd
says "preset="
expect 2 train mine.yaml other.yaml
expect 2 train --resume=yes data.pair=gauss8
says "takes no value"
expect 2 settings hdd
says '"hd"'
expect 2 settings hd --n many
expect 2 map run --in x.npy
says "--out"
expect 2 map --in x.npy --out y.npy
says "MODEL"
expect 2 map run --in x.npy --in y.npy --out z.npy
says "twice"
expect 2 map run other --in x.npy --out z.npy
says "other"
expect 2 map run --in x.npy --out y.npy train.steps=3
says "not train.steps"
expect 2 info run train.setps=3
says 'did you mean "train.steps"?'
expect 2 sample gauss8 sourec --out x.npy
says "sourec"
expect 2 sample gauss8 source --n 0 --out x.npy
expect 2 sample gauss8 source --out x.txt
says "x.txt"
absent x.
expect 2 selftest device=host
says "takes no settings"
expect 5 selftest --device abacus:0
says "usable here"
finish
