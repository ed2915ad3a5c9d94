# shellcheck shell=bash disable=SC2034
# What the tests of the command share; sourced by each, with the command as its first argument.
set -u
brenier=$(realpath "$1")
sanitized=${2-0}
export LSAN_OPTIONS="suppressions=$(realpath "$(dirname "$0")")/../support/lsan.supp:print_suppressions=0"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

problem() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect CODE ARGUMENTS...: run the command; its exit code must be CODE, and a failure one line that begins with
# "brenier: ", after what a training tells before it starts. Leaves the outputs in the files out and err.
expect() {
    local code=$1 got=0
    shift
    "$brenier" "$@" >out 2>err || got=$?
    [ "$got" = "$code" ] || problem "brenier $*: exit $got, expected $code: $(head -c 400 err)"
    if [ "$code" != 0 ]; then
        if [ "$(grep -cvE '^(memory on|device auto:) ' err)" != 1 ] || ! grep -q '^brenier: ' err; then
            problem "brenier $*: expected one line, got: $(cat err)"
        fi
    fi
}

# says TEXT: the last failure's line contains it.
says() { grep -qF -- "$1" err || problem "expected \"$1\" in: $(cat err)"; }

prints() { grep -qF -- "$1" out || problem "expected \"$1\" in: $(head -c 400 out)"; }

# absent NAME: no file or folder of this name, and no temporary file of any writer
absent() {
    local found
    found=$(find . -maxdepth 1 \( -name "*$1*" -o -name '.brenier-*' \))
    [ -z "$found" ] || problem "left behind: $found"
}

# until_logged RUN LINES: wait until a training in the background has so many lines in its log.
until_logged() {
    local i
    for ((i = 0; i < 4000; ++i)); do
        [ -e "$1/log.csv" ] && [ "$(wc -l <"$1/log.csv")" -ge "$2" ] && return
        sleep .01
    done
    problem "$1/log.csv has no $2 lines: $(cat err)"
}

# Settings of a training that takes a fraction of a second; one thread waits for no other on a busy machine.
tiny="threads=1 preset=2d data.pair=gaussian data.n=2 potential.hidden=16,16 amortizer.hidden=16 train.steps=60 train.batch=64
      train.eval_every=20 eval.points=256 eval.sinkhorn_points=64"

finish() {
    [ "$failures" = 0 ] || exit 1
    echo "all as expected"
}
