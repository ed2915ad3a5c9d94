#!/bin/bash
# Figures of each kind, also in more than two dimensions.
. "$(dirname "$0")/cli.sh"
expect 0 train $tiny out=run --quiet
"$brenier" plot run --out map.png >out 2>err
if grep -q "built without" err; then
    echo "SKIPPED: a build without cairo"
    exit 77
fi
expect 0 plot run --out map.png
expect 0 plot run --out map.svg
expect 0 plot run --out map.pdf
[ "$(head -c 8 map.png | tail -c 7 | head -c 3)" = PNG ] || problem "map.png is no PNG"
head -c 200 map.svg | grep -q "<svg" || problem "map.svg is no SVG"
[ "$(head -c 5 map.pdf)" = "%PDF-" ] || problem "map.pdf is no PDF"
expect 2 plot run --out map.gif
says ".png"
expect 0 train $tiny data.n=5 out=run5 --quiet
expect 0 plot run5 --out map5.png
[ -s map5.png ] || problem "no figure in five dimensions"
expect 3 plot run --out other.png data.n=3
absent other
finish
