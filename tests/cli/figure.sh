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
says "does not move"
expect 2 plot run --out map.bmp
says ".png"
expect 2 plot run potental --out x.png
says "did you mean potential"
expect 0 plot --list
prints "conjugate"
for kind in samples forward inverse potential conjugate warp interpolation density training; do
    expect 0 plot run $kind -o $kind.png --points 200
    [ -s $kind.png ] || problem "no figure $kind"
done
expect 0 plot run warp -o frames/ --frames 3 --points 100
[ "$(echo frames/*)" = "frames/0001.png frames/0002.png frames/0003.png" ] || problem "frames: $(echo frames/*)"
expect 2 plot run warp -o x.png --width 0.1
says "inches"
expect 0 train $tiny data.n=5 out=run5 --quiet
expect 0 plot run5 --out map5.png
[ -s map5.png ] || problem "no figure in five dimensions"
expect 2 plot run5 potential -o other.png
says "dimension 5"
expect 2 plot run5 density -o other.png
says "dimension 5"
expect 2 plot run density -o other.png data.pair=moons
says "no known density"
expect 3 plot run --out other.png data.n=3
absent other
# folders of pictures: the frames above, which are no squares
images="preset=images potential.hidden=4,8 amortizer.hidden=4,8 train.steps=2 train.batch=3 eval.points=3 data.source=frames"
expect 3 train $images data.target=frames/ out=none
says "frames/0001.png"
says "expected a square picture"
mkdir nothing
expect 3 train $images data.target=nothing data.image_size=8 out=none
says "nothing: no pictures in this folder"
absent none
expect 0 train $images data.target=frames/ data.image_size=8 out=images --quiet
for kind in map samples interpolation; do
    expect 0 plot images $kind -o images_$kind.png
    [ -s images_$kind.png ] || problem "no figure of images, $kind"
done
expect 0 plot images interpolation -o between/ --frames 3 --points 2
[ "$(echo between/*)" = "between/0001.png between/0002.png between/0003.png" ] || problem "frames: $(echo between/*)"
expect 0 gallery -o sheet.png out=some/gallery --quiet threads=1 potential.hidden=8 amortizer.hidden=8 train.steps=2 train.batch=64
[ -s sheet.png ] && [ -d some/gallery/maf_rings ] || problem "no sheet of all pairs"
finish
