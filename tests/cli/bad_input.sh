#!/bin/bash
# Files that cannot be used: exit 3, one line that names the file, no output left behind.
. "$(dirname "$0")/cli.sh"
expect 0 train $tiny out=run --quiet
printf '1,2\n3,4\n' >good.csv
printf '1,2,3\n4,5,6\n' >wide.csv
printf '1,2\n3,nan\n' >nan.csv
printf '1,2\n3\n' >ragged.csv
printf '1,2\n3,four\n' >word.csv
: >empty.csv
printf '\223NUMPY\001\000\377\377' >torn.npy
head -c 300 run/best.safetensors >torn.safetensors
mkdir folder

for file in wide.csv nan.csv ragged.csv word.csv empty.csv torn.npy missing.npy folder; do
    expect 3 map run --in $file --out result.npy
    says $file
    expect 3 conjugate run --in $file --out result.npy --values result.csv
    expect 3 train $tiny data.pair= data.source=$file data.target=good.csv out=result.run
    absent result
done
# rows that are fewer than the batch, whose size follows from the preset and the dimension
expect 3 train preset=hd data.source=good.csv data.target=good.csv out=result.run
says "good.csv: 2 rows are fewer than train.batch="
absent result

for model in torn.safetensors good.csv missing.safetensors folder; do
    expect 3 map $model --in good.csv --out result.npy
    says ${model%/}
    expect 3 info $model
    absent result
done
expect 3 eval run data.pair=torn.safetensors
expect 3 train $tiny data.pair=torn.safetensors out=result.run
expect 3 train $tiny data.pair=missing.safetensors out=result.run
absent result

# a bad value late in a long file: rows were written by then
awk 'BEGIN { for (i = 0; i < 600000; ++i) print "1,2"; print "1,x" }' >late.csv
expect 3 map run --in late.csv --out result.npy
says "600001"
absent result

printf 'train: {steps: [1, 2' >broken.yaml
expect 3 train broken.yaml data.pair=gauss8 out=result.run
says "broken.yaml:"
printf 'train:\n  setps: 3\n' >unknown.yaml
expect 2 train unknown.yaml data.pair=gauss8 out=result.run
says "steps"
printf 'trian:\n  steps: 3\n' >unknown.yaml
expect 2 train unknown.yaml data.pair=gauss8 out=result.run
says 'did you mean "train"?'
absent result
finish
