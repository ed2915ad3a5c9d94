#!/bin/bash
# Every device beside the host: train, score, map and conjugate there; a model trained on one device is used on
# another. A device in BRENIER_REQUIRED_DEVICES must be there.
. "$(dirname "$0")/cli.sh"

# close A B: the numbers of two CSV files agree to 1e-3.
close() {
    paste -d, "$1" "$2" | awk -F, -v n=0 'NR == 1 { n = NF / 2; next }
        { for (i = 1; i <= n; ++i) { d = $i - $(i + n); if (d * d > 1e-6) ++far } } END { print far + 0 }'
}

uvp() { sed -n 's/.*"l2_uvp_forward":[[:space:]]*\([0-9.e+-]*\).*/\1/p' out | head -1; }

"$brenier" devices >list
usable=
while read -r name text; do
    case $name in
    host*) ;;
    *)
        case $text in
        "not usable"*)
            echo "skipped: device $name ($text)"
            [[ ,${BRENIER_REQUIRED_DEVICES-}, != *",$name,"* ]] || problem "device $name is required here: $text"
            ;;
        *) [[ -n ${BRENIER_TEST_DEVICES-} && ,${BRENIER_TEST_DEVICES-}, != *",$name,"* ]] || usable="$usable $name" ;;
        esac
        ;;
    esac
done <list

expect 0 train $tiny out=by-host --quiet
expect 0 sample gaussian source data.n=2 --n 300 --seed 5 --out x.csv
expect 0 map by-host --in x.csv --out host.csv
for device in $usable; do
    run=by-${device/:/}
    expect 0 train $tiny device=$device out=$run --quiet --json
    prints '"waits_per_step_outside":	1'
    expect 0 info $run
    prints "$device"
    expect 0 eval $run --json device=$device
    there=$(uvp)
    expect 0 eval $run --json device=host
    here=$(uvp)
    awk -v a="$there" -v b="$here" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < (1e-2 * b) ^ 2) }' || problem "L2-UVP of $run: $there on $device, $here on the host"
    expect 0 map $run --in x.csv --out there.csv device=$device
    expect 0 map $run --in x.csv --out here.csv device=host
    [ "$(close there.csv here.csv)" = 0 ] || problem "the map of $run on $device is not that on the host"
    expect 0 map by-host --in x.csv --out there.csv device=$device
    [ "$(close there.csv host.csv)" = 0 ] || problem "the host's model maps differently on $device"
    expect 0 conjugate by-host --in x.csv --out there.csv device=$device conjugate.gtol=1e-4
    expect 0 conjugate by-host --in x.csv --out here.csv device=host conjugate.gtol=1e-4
    [ "$(close there.csv here.csv)" -lt 6 ] || problem "conjugates on $device are not those on the host"
    expect 5 map by-host --in x.csv --out y.csv device=${device%:*}:31
    says "${device%:*}:31"

    # no memory, no such device, no driver: one line, the right code, and the checkpoint as it was
    cp "$run/latest.safetensors" former
    BRENIER_DEVICE_MEMORY=30000 expect 6 train $tiny device=$device out=$run --quiet
    says "$device"
    expect 5 train $tiny device=${device%:*}:31 out=$run --quiet
    says "${device%:*}:31"
    if [ "${device%:*}" != cuda ] || [ -n "${LD_LIBRARY_PATH-}" ]; then # an installed CUDA driver cannot be hidden
        LD_LIBRARY_PATH= OCL_ICD_VENDORS=/none VK_DRIVER_FILES=/none VK_ICD_FILENAMES=/none expect 5 train $tiny device=$device out=$run --quiet
        says "$device"
    fi
    cmp -s former "$run/latest.safetensors" || problem "the checkpoint of $run was changed"
done
[ -n "$usable" ] || { [ "$failures" = 0 ] && exit 77; }
finish
