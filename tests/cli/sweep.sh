#!/bin/bash
# Sweeps: whole, extended, interrupted, failing, submitted.
. "$(dirname "$0")/cli.sh"
grid=${tiny/threads=1 /}

state() { "$brenier" sweep "$1" --dry-run | sed -n '$p'; }

# a grid: each run in its folder, none run twice
expect 0 sweep $grid seed=0..2 out=g --dry-run
prints "seed=2"
absent g
expect 0 sweep $grid seed=0..1 potential.kind=mlp,icnn potential.activation=elu --jobs 2 out=g
prints "g: 4 runs, 4 finished"
grep -q "finished seed=1,potential.kind=icnn: L2-UVP" err || problem "no line for a finished run: $(cat err)"
for run in g/seed={0,1},potential.kind={mlp,icnn}; do
    [ -s "$run/best.safetensors" ] || problem "$run has no model"
    grep -q '"l2_uvp_forward"' "$run/result.json" || problem "$run has no scores"
done
cp g/seed=0,potential.kind=mlp/log.csv first.csv
expect 0 sweep out=g
[ ! -s err ] || problem "a finished sweep says: $(cat err)"
expect 0 sweep $grid seed=0..2 potential.kind=mlp,icnn potential.activation=elu out=g --quiet
prints "g: 6 runs, 6 finished"
[ ! -s err ] || problem "--quiet wrote: $(cat err)"
cmp -s first.csv g/seed=0,potential.kind=mlp/log.csv || problem "a finished run was run again"
expect 0 sweep g --json --dry-run
prints '"state":	"finished"'

# a run by itself is the same run
expect 0 train $tiny seed=1 potential.kind=icnn potential.activation=elu out=alone --quiet
cmp -s alone/latest.safetensors g/seed=1,potential.kind=icnn/latest.safetensors || problem "a run of the sweep differs from the same training"

# what is refused, and leaves all as it was
cp g/sweep.json sweep.json
expect 2 sweep $grid trian.steps=1,2 out=g
says 'did you mean "train.steps"'
expect 2 sweep $grid seed=3..0 out=g
says "runs backwards"
expect 2 sweep $grid seed=0,,1 out=g
says "empty value"
expect 2 sweep $grid train.steps=80 seed=0,1 potential.kind=mlp,icnn potential.activation=elu out=g
says "train.steps"
expect 2 sweep seed=0,1
says "out=DIR"
expect 3 sweep out=missing
says "missing"
expect 3 sweep data.dir=none data.n=2,4 out=result
says "none/hd_2.safetensors"
absent result
expect 2 sweep g --task 6
says "no task 6"
cmp -s sweep.json g/sweep.json || problem "a refused grid changed the manifest"
echo '{"version": 1' >g/sweep.json
expect 3 sweep g
says "g/sweep.json"
cp sweep.json g/sweep.json
mv g/seed=0,potential.kind=mlp/config.yaml .
expect 3 sweep g
says "config.yaml"
mv config.yaml g/seed=0,potential.kind=mlp
expect 0 sweep g

# a failing run is reported, the others finish, and the same command tries it again
expect 0 sample gaussian source data.n=2 --n 500 --seed 1 --out a.csv
expect 0 sample gaussian target data.n=2 --n 500 --seed 2 --out b.csv
expect 3 sweep ${grid/data.pair=gaussian data.n=2/} data.source=a.csv,missing.csv data.target=b.csv out=f --quiet
says "1 of 2 runs failed, first data.source=missing.csv: missing.csv"
[ "$(state f)" = "f: 2 runs, 1 finished, 1 new" ] || problem "after a failure: $(state f)"
cp a.csv missing.csv
expect 0 sweep f
prints "f: 2 runs, 2 finished"

# two that do not fit at once run one after the other
BRENIER_DEVICE_MEMORY=60000000 expect 0 sweep $grid seed=0..1 --jobs 2 out=m
[ "$(grep -n finished err | head -1 | cut -d: -f1)" -lt "$(grep -n started err | tail -1 | cut -d: -f1)" ] || problem "no room, but both at once: $(cat err)"

# divergence is a result of its own
expect 4 sweep $grid train.divergence=1e5,1e-9 out=d --quiet
says "1 of 2 runs diverged, first train.divergence=1e-9: loss"
prints "1 finished, 1 diverged"
expect 4 sweep d --quiet

# an interrupt stops the children, which save; the same command goes on to the same end
long=${grid/train.steps=60/train.steps=2000}
long="sweep ${long/train.eval_every=20/train.eval_every=100} seed=0..2 --jobs 2 --quiet"
expect 0 $long out=whole
"$brenier" $long out=broken >out 2>err &
pid=$!
until_logged broken/seed=0 3
until_logged broken/seed=1 2
kill -s INT $pid
wait $pid
code=$?
[ $code = 130 ] || problem "SIGINT: exit $code, expected 130: $(cat err)"
says "continue with: brenier sweep out=broken"
[ "$(grep -c '^brenier: ' err)" = 1 ] || problem "expected one line, got: $(cat err)"
[ -s broken/seed=0/latest.safetensors ] || problem "no checkpoint was kept"
state broken | grep -q "stopped" || problem "after SIGINT: $(state broken)"
expect 0 sweep broken
for seed in 0 1 2; do
    cmp -s whole/seed=$seed/latest.safetensors broken/seed=$seed/latest.safetensors || problem "seed $seed differs from the sweep that never stopped"
done

# Slurm, by a stand-in that keeps what it was given
mkdir bin
cat >bin/sbatch <<'END'
#!/bin/bash
printf '%s\n' "$@" >submitted
cp "${@: -1}" script
echo "Submitted batch job 7"
END
chmod +x bin/sbatch
PATH=$PWD/bin:$PATH
expect 0 sweep $grid seed=0..3 out="s l" --slurm --partition short --time 00:10:00 --sbatch "--account=a --qos=b" --jobs 2
prints "Submitted batch job 7"
grep -qx -- "--qos=b" submitted || problem "sbatch was given: $(cat submitted)"
for line in "#SBATCH --array=0-3%2" "#SBATCH --partition=short" "#SBATCH --time=00:10:00" "#SBATCH --signal=B:TERM@120"; do
    grep -qxF -- "$line" script || problem "no \"$line\" in the job: $(cat script)"
done
for i in 0 2; do SLURM_ARRAY_TASK_ID=$i SLURM_CPUS_PER_TASK=1 bash script >task 2>&1 || problem "task $i: $(cat task)"; done
expect 0 sweep "s l" --slurm # what is left
grep -qxF "#SBATCH --array=1,3" script || problem "finished runs are submitted: $(grep array script)"
expect 0 sweep "s l" --quiet
prints "4 finished"
rm submitted
expect 0 sweep "s l" --slurm
[ ! -e submitted ] || problem "a finished sweep was submitted"
printf '#!/bin/bash\nexit 1\n' >bin/sbatch
expect 3 sweep $grid seed=0..1 out=t --slurm
says "sbatch refused"
(PATH=/nowhere "$brenier" sweep t --slurm 2>err)
[ $? = 2 ] || problem "without sbatch: not exit 2: $(cat err)"
says "cannot run sbatch"
finish
