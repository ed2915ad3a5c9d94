#!/bin/bash
# The published pairs of photographs from their checkpoints: small stand-ins converted, held against an evaluation of the
# checkpoints themselves, and trained on; hostile and incomplete ones refused.
here=$(realpath "$(dirname "$0")")
. "$here/cli.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
run_python() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../fuzz" python3 "$@"; }
run_python "$here/../fuzz/torch_file.py" clone celeba
folder=clone/benchmarks/CelebA64
mkdir pairs
"$brenier" convert clone --out pairs >out 2>err
if grep -q "libzip" err; then echo "skipped: no libzip"; exit 77; fi
[ "$(cat out)" = "$(printf 'pairs/celeba_early.safetensors\npairs/celeba_late.safetensors')" ] || problem "converted: $(cat out err)"
for pair in early late; do
    run_python "$here/celeba.py" pairs/celeba_$pair.safetensors $pair || problem "celeba_$pair is another pair"
done
expect 0 convert $folder --celeba late --out .
cmp -s celeba_late.safetensors pairs/celeba_late.safetensors || problem "the folder gave another pair than the clone"
expect 0 info celeba_late.safetensors
prints "arXiv:2106.01954"
prints "CelebA16 Late"

# both kinds of checkpoints in one clone
run_python "$here/../fuzz/torch_file.py" clone 1
mkdir both
expect 0 convert clone --out both threads=1
[ "$(wc -l <out)" = 3 ] || problem "converted: $(cat out)"

photographs="preset=images potential.hidden=4,4 amortizer.hidden=4,4 train.steps=4 train.batch=16 train.eval_every=2 eval.points=32"
expect 0 train $photographs data.pair=celeba_late.safetensors out=run --quiet threads=1
expect 0 eval run --json threads=1
prints '"l2_uvp_forward"'
prints '"n":	768'
expect 0 train $photographs data.pair=celeba_late.safetensors --plan threads=1
prints "sampler data"
expect 0 sample celeba_late.safetensors target --n 5 --out y.npy threads=1

expect 2 convert clone --celeba erly
says "--celeba takes pairs as in early,mid,late"
expect 2 convert clone --celeba early,
mkdir results
expect 3 convert clone --celeba mid --out results
says "Mid_v1.pt"

# change NAME CODE: the clone with one checkpoint changed by the Python statement CODE on its state `s`, with `t` and `rng`
change() {
    rm -rf changed
    mkdir changed
    cp $folder/*.pt changed
    run_python - "$1" <<EOF
import random, sys
import torch_file as t
rng, s = random.Random(3), t.celeba()[sys.argv[1]]
$2
open("changed/" + sys.argv[1] + ".pt", "wb").write(t.archive(t.members_of(s)))
EOF
    expect 3 convert changed --celeba early --out results
    says "changed/$1.pt"
    says "$3"
}
change Final_G 'del s["resnet.3.bn2d_1.running_var"]' "no tensor 'resnet.3.bn2d_1.running_var'"
change Final_G 'del s["resnet.1.conv_0.weight"]' "a generator of 1 blocks"
change Final_G 's["bn1d.running_var"].numbers[3] = -1.0' "tensor 'bn1d.running_var': variance 3 is -1"
change Final_G 's["resnet.0.conv_1.weight"].numbers[5] = float("nan")' "tensor 'resnet.0.conv_1.weight': number 5 is nan"
change Final_G 's["conv_img.weight"] = t.tensor(rng, 1, 1, 2, 3, 3)' "tensor 'conv_img.weight' has the sizes 1 x 2 x 3 x 3, expected 3 x 2 x 3 x 3"
change Final_G 's["fc.weight"] = t.Tensor((1 << 15, 1 << 15), [1.0], stride=(0, 0))' "tensor 'fc.weight' reaches past its storage"
change Final_G 's["fc.weight"] = t.Tensor((16, 5), [1] * 80, kind="q")' "tensor 'fc.weight' holds integers"
change Early_v1 's["convex_layers.0.weight"].numbers[7] = -0.5' "tensor 'convex_layers.0.weight': number 7 is -0.5, expected none below 0"
change Early_v2 's["pos_features.7.weight"] = t.tensor(rng, 1, 1, 2, 2, 2, positive=True)' "images of 32 x 32"
change Early_v2 'del s["quadratic_layers.1.linear.weight"]' "no tensor 'quadratic_layers.1.linear.weight'"
cp "$here"/../fuzz/corpus/torch/os_system.pt changed/Early_v2.pt
expect 3 convert changed --celeba early --out results
says "system, which is not allowed"
[ -z "$(ls results)" ] || problem "left behind: $(ls results)"

# a damaged pair file
head -c 20000 celeba_late.safetensors >torn.safetensors
expect 3 train $photographs data.pair=torn.safetensors out=unmade
says "torn.safetensors"
absent unmade
finish
