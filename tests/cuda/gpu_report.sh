#!/bin/bash
# usage: gpu_report.sh REPORT FOLDER: what bench/gpu_report makes of programs that fail, with scripts in place of all programs.
set -eu
report=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder/build/bench" "$folder/bin"
for program in brenier bench/brenier-bench-step bench/brenier-bench-ops bench/brenier-bench-record bench/brenier-bench-model; do
    printf '#!/bin/bash\necho "$0 $*"\n[ "$1" != train ] || exit "${TRAIN_EXITS-0}"\n' >"$folder/build/$program"
done
cat >"$folder/bin/compute-sanitizer" <<'EOF2'
#!/bin/bash
echo "========= COMPUTE-SANITIZER $2"
[ "$2" = racecheck ] && echo "========= Error: Race reported" && echo "========= RACECHECK SUMMARY: 1 hazard displayed" && exit 9
echo "========= ERROR SUMMARY: 0 errors"
EOF2
chmod +x "$folder"/build/brenier "$folder"/build/bench/* "$folder"/bin/*

wrong() {
    echo "gpu_report.sh: $1" >&2
    cat "$folder/report.md" >&2
    exit 1
}
run() {
    PATH="$folder/bin:$PATH" "$report" --quick --device cuda:0 --build "$folder/build" --pairs "$folder" --python "$folder/none" --out "$folder/report.md" "$@" 2>"$folder/log"
}
holds() { grep -qF "$1" "$folder/report.md" || wrong "no line '$1'"; }

run && wrong "a hazard is no failure"
holds "| compute-sanitizer racecheck | FAILED: exit 9 |"
holds "| compute-sanitizer memcheck | ERROR SUMMARY: 0 errors |"
holds "Error: Race reported"
holds "| JAX | not here: "
sed -i 's/racecheck/none/' "$folder/bin/compute-sanitizer"
run || wrong "a failure where there is none"

TRAIN_EXITS=5 run && wrong "a device that cannot be used is no failure"
holds "| a short training | FAILED: exit 5 |"
grep -q selftest "$folder/report.md" && wrong "it goes on where nothing can be used"
rm "$folder/build/bench/brenier-bench-ops"
run && wrong "a program that is missing is no failure"
holds "| operations | FAILED: not started |"
run --out "$folder/none/report.md" && wrong "a report that cannot be written is no failure"
grep -q "none/report.md: No such file" "$folder/log" || wrong "no line of the report that cannot be written"
echo "gpu_report: failures are seen"
