#!/bin/bash
# Train, score, map, conjugate, describe, sample.
. "$(dirname "$0")/cli.sh"

expect 0 train $tiny seed=3 out=run
prints "run"
for file in config.yaml log.csv latest.safetensors best.safetensors; do
    [ -s run/$file ] || problem "run/$file is missing"
done
grep -q "60/60" err || problem "no progress line for the last evaluation: $(cat err)"
expect 0 train $tiny seed=3 out=run2 --quiet --json
[ ! -s err ] || problem "--quiet wrote: $(cat err)"
prints '"l2_uvp_forward"'
cmp -s run/log.csv run2/log.csv || true # seconds differ
expect 2 train $tiny seed=4 out=run
says "seed"

expect 0 eval run
prints "identity"
prints "exact, from whole Hessians"
expect 0 eval run eval.log_det.exact_up_to=0 eval.log_det.probes=5 eval.log_det.seed=7
prints "estimated by 5 probes of 2 Lanczos steps, seed 7: standard error"
expect 2 eval run eval.log_det.probes=1
says "eval.log_det.probes"
expect 0 eval run --json eval.points=128
for key in l2_uvp_forward l2_uvp_inverse cosine_forward cosine_inverse baselines dual_objective log_likelihood log_likelihood_true row_error; do
    prints "\"$key\""
done
expect 0 info run/best.safetensors --json
prints '"parameters"'
expect 0 info run
prints "gaussian"

# samples: one stream, whatever the format
expect 0 sample gaussian source data.n=2 --n 700 --seed 5 --out x.csv
expect 0 sample gaussian source data.n=2 --n 500 --seed 5 --out part.csv
head -500 x.csv | cmp -s - part.csv || problem "500 samples are not the first ones of 700"
expect 0 sample --list
prints "moons"

# the map, streamed: the same numbers from and to every format
expect 0 map run --in x.csv --out y.csv
[ "$(wc -l <y.csv)" = 700 ] || problem "y.csv has $(wc -l <y.csv) rows"
expect 0 sample gaussian source data.n=2 --n 700 --seed 5 --out x.npy
expect 0 map run --in x.npy --out y.npz
expect 0 map run/best.safetensors --in x.npy --out y2.csv
cmp -s y.csv y2.csv || problem "the map of x.npy differs from the map of x.csv"

# the inverse undoes it
expect 0 map run --in y.npz --out back.csv --inverse
grep -q "of 700 rows did not converge" err || problem "no count of failed rows: $(cat err)"
far=$(paste -d, x.csv back.csv | awk -F, '{ d = ($1-$3)^2 + ($2-$4)^2; if (d > 1e-3) ++far } END { print far + 0 }')
[ "$far" -lt 7 ] || problem "$far of 700 rows are not mapped back"

# volumes: two columns a row; the inverse undoes the map's
expect 0 map run --in x.npy --out y2.csv --log-det volume.csv
cmp -s y.csv y2.csv || problem "--log-det changes the map"
[ "$(head -1 volume.csv)" = log_det,error ] || problem "header: $(head -1 volume.csv)"
[ "$(wc -l <volume.csv)" = 701 ] || problem "volume.csv has $(wc -l <volume.csv) lines"
expect 0 map run --in y.npz --out back.csv --inverse --log-det undone.csv
far=$(paste -d, volume.csv undone.csv | awk -F, 'NR > 1 { d = ($1+$3)^2; if (d > 1e-2 || $2 != 0) ++far } END { print far + 0 }')
[ "$far" -lt 7 ] || problem "log det of $far of 700 rows is not that of the inverse"
expect 0 map run --in x.npy --out y2.csv --log-det guess.csv eval.log_det.exact_up_to=0 eval.log_det.probes=64
far=$(paste -d, volume.csv guess.csv | awk -F, 'NR > 1 { d = $3 - $1; d = d < 0 ? -d : d; if (d > 6 * $4 + 1e-4) ++far } END { print far + 0 }')
[ "$far" -lt 7 ] || problem "log det of $far of 700 rows is further from its estimate than six standard errors"
expect 2 map run --in x.npy --out y3.csv --log-det volume.csv eval.points=3
says "eval.log_det.*"
expect 2 map run --in x.npy --out y3.csv --log-det volume.txt
[ ! -e y3.csv ] || problem "y3.csv was left behind"

expect 0 conjugate run --in y.npz --out back.npy --values values.csv conjugate.gtol=1e-2
prints "converged"
[ "$(head -1 values.csv)" = value,stop,iterations,evaluations,gradient ] || problem "header: $(head -1 values.csv)"
[ "$(wc -l <values.csv)" = 701 ] || problem "values.csv has $(wc -l <values.csv) lines"
expect 0 conjugate run --in y.npz --out back.npy --json conjugate.max_iterations=1 conjugate.gtol=1e-7
prints '"iteration_limit"'

# own samples
expect 0 sample gaussian target data.n=2 --n 700 --seed 6 --out t.npy
expect 0 train $tiny data.source=x.csv data.target=t.npy data.pair= out=own
expect 0 map own --in x.csv --out y.npy
expect 0 eval own --json
absent .tmp
finish
