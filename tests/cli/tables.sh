#!/bin/bash
# Tables and learning curves of a sweep and of single runs.
. "$(dirname "$0")/cli.sh"
grid=${tiny/threads=1 /}

expect 0 sweep $grid potential.kind=mlp,icnn potential.activation=elu seed=0..1 out=g --quiet
expect 0 table g
prints "| ICNN | regression | L-BFGS |"
prints "gaussian n=2"
expect 0 table g --format csv --metric seconds
[ "$(wc -l <out)" = 3 ] || problem "expected a header and two lines: $(cat out)"
expect 0 table g --format latex
prints '\begin{tabular}'
expect 0 table --published --format csv
prints "MLP,regression,L-BFGS,,hd_16,16,forward,,,0,0,0,0.77,"
expect 0 train $tiny seed=9 out=alone --quiet
expect 0 table g alone
expect 0 table . # a folder of both
prints "MLP"

# scores that are missing are made
sed -i 's/"evaluation":/"former":/' alone/result.json
expect 0 table alone --metric cosine threads=1
grep -q "scoring alone" err || problem "no word of the evaluation: $(cat err)"
grep -q '"evaluation":' alone/result.json || problem "the scores were not kept"

# what did not end is shown and named
expect 4 sweep $grid train.divergence=1e5,1e-9 out=d --quiet
expect 3 table d
says "1 of 2 runs are not in the means, first d/train.divergence=1e-9: diverged"
prints "diverged at 0"
prints "Not in the means:"
expect 0 table d --partial
expect 2 table d --metric uvp
says "did you mean"
expect 2 table d --format html
expect 2 table
expect 3 table missing
says "missing"
cp -r alone damaged
echo "{" >damaged/result.json
expect 3 table damaged
says "damaged/result.json"
expect 3 train --resume out=damaged --quiet
says "damaged/result.json"
rm -r damaged

# curves
expect 2 curves g
says "--out"
expect 2 curves g --out c.png --against time
expect 0 curves g alone --csv c.csv --against seconds
[ "$(wc -l <c.csv)" = 16 ] || problem "expected three evaluations of five runs: $(wc -l <c.csv)"
"$brenier" curves g --out c.png >out 2>err
if grep -q "built without" err; then finish; exit 0; fi
for ending in png svg pdf; do
    expect 0 curves g alone -o c.$ending --against evaluations
    [ -s c.$ending ] || problem "no c.$ending"
done
head -c 200 c.svg | grep -q "<svg" || problem "c.svg is no SVG"
expect 2 curves g --out c.txt
cp -r alone torn
head -c -9 alone/log.csv >torn/log.csv
expect 3 curves torn --out torn.png
says "torn/log.csv:4"
absent torn.png
expect 0 train $tiny data.pair=gauss8 out=unknown --quiet
expect 3 curves unknown --out unknown.png
says "no L2-UVP"
expect 0 curves unknown alone --out both.png
grep -q "1 of 2 runs have nothing to draw" err || problem "no word of the run that is left out: $(cat err)"
finish
