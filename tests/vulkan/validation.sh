#!/bin/bash
# Everything that uses Vulkan under the Khronos validation layer, synchronisation included: an error or a warning
# fails, objects that are left behind among them.
# usage: validation.sh SANITIZED BRENIER TEST-PROGRAM...
set -u
[ "$1" = 0 ] || { echo "skipped: vulkan_validation (the layer is not run under a sanitizer)" && exit 77; }
brenier=$2
shift 2
if ! "$brenier" devices | grep -q '^vulkan:0 .*KiB shared'; then
    echo "skipped: no Vulkan device"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/vk_layer_settings.txt" <<EOF
khronos_validation.report_flags = info,warn,error,perf
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
EOF
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_LAYER_SETTINGS_PATH=$folder
"$brenier" devices >"$folder/list.log" 2>&1
if ! grep -q 'Khronos Validation Layer Active' "$folder/list.log"; then
    echo "skipped: no validation layer (package vulkan-validationlayers)"
    exit 77
fi
failed=0
for program in "$@"; do
    log=$folder/$(basename "$program").log
    "$program" --jobs 1 >"$log" 2>&1 || { echo "$program failed"; tail -20 "$log"; failed=1; }
    if grep -E 'Validation (Error|Warning|Performance Warning)' "$log" | sort | uniq -c | cut -c1-600 | head -20 | grep .; then
        echo "$program: reported by the validation layer"
        failed=1
    fi
done
exit $failed
