#!/bin/bash
# The Khronos validation layer is at work, sees a barrier that is missing, and has nothing to say of the command's own use
# of Vulkan. The test programs run under it by themselves (tests/CMakeLists.txt).
# usage: validation.sh SANITIZED BRENIER TEST-OF-WORK
set -u
[ "$1" = 0 ] || { echo "skipped: vulkan_validation (the layer is not run under a sanitizer)" && exit 77; }
brenier=$2 work=$3
if ! "$brenier" devices | grep -q '^vulkan:0 .*KiB shared'; then
    echo "skipped: vulkan_validation (no Vulkan device)"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed 's/= warn/= info,warn/' "$(dirname "$0")/vk_layer_settings.txt" >"$folder/vk_layer_settings.txt"
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_LAYER_SETTINGS_PATH=$folder
"$brenier" devices >"$folder/log" 2>&1
if ! grep -q 'Khronos Validation Layer Active' "$folder/log"; then
    echo "skipped: vulkan_validation (no validation layer: package vulkan-validationlayers)"
    exit 77
fi
export VK_LAYER_SETTINGS_PATH=$(dirname "$0")
failed=0
quiet() { # COMMAND...
    "$@" >"$folder/log" 2>&1 || { echo "failed: $*"; tail -20 "$folder/log"; failed=1; }
    if grep -E 'Validation (Error|Warning|Performance Warning)' "$folder/log" | sort | uniq -c | cut -c1-600 | head -20 | grep .; then
        echo "reported by the validation layer: $*"
        failed=1
    fi
}
small="data.n=2 potential.hidden=8,8 amortizer.hidden=8 train.batch=32 eval.points=64 eval.sinkhorn_points=16"
# shellcheck disable=SC2086
quiet "$brenier" train preset=2d data.pair=gaussian $small train.steps=3 device=vulkan:0 out="$folder/run"
seq 1 40 | awk 'BEGIN { print "x,y" } { print sin($1) "," cos($1) }' >"$folder/rows.csv"
quiet "$brenier" map "$folder/run" --in "$folder/rows.csv" --out "$folder/mapped.csv" device=vulkan:0
quiet "$brenier" map "$folder/run" --in "$folder/rows.csv" --inverse --out "$folder/back.csv" device=vulkan:0
quiet "$brenier" eval "$folder/run" device=vulkan:0
quiet "$brenier" selftest --device vulkan:0
BRENIER_SEE_HAZARD=1 "$work" --jobs 1 --filter '*/a_missing_barrier_is_reported' >"$folder/log" 2>&1
grep -q 'SYNC-HAZARD-READ-AFTER-WRITE' "$folder/log" || { echo "the validation layer does not see a missing barrier"; failed=1; }
exit $failed
