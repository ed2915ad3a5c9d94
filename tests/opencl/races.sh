#!/bin/bash
# races.sh KERNELS-PROGRAM SANITIZED: all kernels under oclgrind's race detector, and one whose SYNC was taken away.
set -u
program=$1
icd=
for folder in /usr/lib/oclgrind /usr/lib/*/oclgrind /usr/local/lib/oclgrind /usr/local/lib; do
    [ -z "$icd" ] && [ -e "$folder/liboclgrind-rt-icd.so" ] && icd=$folder/liboclgrind-rt-icd.so
done
[ -n "$icd" ] || { echo "skipped: opencl_races (oclgrind is not installed)"; exit 77; }
[ "${2-0}" = 0 ] || { echo "skipped: opencl_races (the simulator is not run under a sanitizer)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$icd" >"$work/oclgrind.icd"
export OCL_ICD_VENDORS=$work OCLGRIND_DATA_RACES=1 OCLGRIND_UNIFORM_WRITES=1 OCLGRIND_LOG=$work/log XDG_CACHE_HOME=$work

"$program" "$work" >"$work/out" 2>&1
code=$?
if [ "$code" = 5 ]; then
    echo "skipped: opencl_races ($(tail -1 "$work/out"))"
    exit 77
fi
[ "$code" = 0 ] || { echo "FAILED: $(tail -5 "$work/out")"; exit 1; }
if [ -s "$work/log" ]; then
    echo "FAILED: the race detector reports"
    head -40 "$work/log"
    exit 1
fi
BRENIER_OPENCL_OPTIONS=-DSYNC= "$program" sum >"$work/out" 2>&1 || { echo "FAILED: $(tail -5 "$work/out")"; exit 1; }
grep -q "race" "$work/log" || { echo "FAILED: feature_sum without SYNC is not reported"; exit 1; }
echo "no races; without SYNC: $(grep -m1 -i race "$work/log")"
