#!/bin/bash
# The examples of the README, small: they run to their end and leave their results.
. "$(dirname "$0")/cli.sh"
examples=$(cd "$OLDPWD" && realpath "$(dirname "${BASH_SOURCE[0]}")/../../examples")
command -v python3 >/dev/null || { echo "SKIPPED: no python3 to compute the data"; exit 77; }
export BRENIER=$brenier
short="train.steps=20 train.batch=64 potential.hidden=16 amortizer.hidden=16 threads=1"

example() { # NAME SIZE RESULT...
    local name=$1 size=$2
    shift 2
    # shellcheck disable=SC2086
    SIZE=$size "$examples/$name" "$name" $short >out 2>err || problem "examples/$name: $(tail -3 err)"
    if grep -q "built without" err; then echo "SKIPPED: $(tail -1 err)" && exit 77; fi
    for file in "$@"; do [ -s "$name/$file" ] || problem "examples/$name left no $file"; done
}

example colour 48 day_at_dusk.png dusk_by_day.png
example drawings 32 strip.png moving.gif run/config.yaml
example tables 300 old_as_new.csv map.png
[ "$(wc -l <tables/old_as_new.csv)" = 300 ] || problem "old_as_new.csv has $(wc -l <tables/old_as_new.csv) rows"
example clouds 300 knotted.csv strip.png

# recipes refuse before they train, and leave nothing
expect 2 recipe colr a.png b.png -o c.png
says "did you mean colour"
expect 3 recipe colour nowhere.png colour/day.png -o c.png
says "nowhere.png"
expect 3 recipe colour drawings/cat.png colour/day.png -o c.png
says "cat.png: a grey picture"
expect 3 recipe colour colour/day.png drawings/cat.png -o c.png --quiet
says "cat.png: a grey picture"
expect 3 recipe colour tables/old.csv colour/day.png -o c.png
says "expected a picture"
head -c 300 colour/day.png >cut.png
expect 3 recipe colour cut.png colour/day.png -o c.png
says "cut.png"
expect 2 recipe colour colour/day.png colour/dusk.png -o c.txt
says "c.txt"
absent c.png
absent c.txt
finish
