#!/usr/bin/env bash
# A folder of many slides, every twentieth of them broken: one command, then the same command with nothing left to do.
# Usage: workflow/test/folder.sh [path/to/histograde]; SLIDES=500 and SIDE=384 unless set.
set -euo pipefail
HISTOGRADE=$(realpath "${1:-$(command -v histograde)}")
slides=${SLIDES:-500}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir in
export HISTOGRADE SIDE=${SIDE:-384}
seq "$slides" | xargs -P "$(nproc)" -I{} sh -c \
    '"$HISTOGRADE" phantom --tissue liver --size "$SIDE" --seed {} -q -o "in/s$(printf %04d {}).svs"'
rm -f in/*.tif in/*.json
broken=0
for k in $(seq 20 20 "$slides"); do
    file=in/s$(printf %04d "$k").svs
    bytes=$(stat -c %s "$file")
    case $((broken % 5)) in
        0) truncate -s $((bytes / 3)) "$file" ;;
        1) : > "$file" ;;
        2) echo "not a slide" > "$file" ;;
        3) head -c 2000 /dev/urandom | dd of="$file" conv=notrunc status=none ;;
        4) truncate -s $((bytes - 4000)) "$file" ;;
    esac
    broken=$((broken + 1))
done
run() {
    local code=0
    "$HISTOGRADE" score in --tissue liver -o out "$@" 2> said.txt || code=$?
    grep -v '^histograde:\|^[0-9]*/[0-9]* ' said.txt | tail -8
    [ "$code" = 1 ] || { echo "exit code $code, expected 1"; exit 1; }
}
time run
cp out/slides.csv first.csv
time run
cmp first.csv out/slides.csv
status() { awk -F, -v s="$1" '$3 == s' out/slides.csv | wc -l; }
echo "$(status scored) scored of $((slides - broken)), $(status failed) failed of $broken"
[ "$(status failed)" = "$broken" ] && [ "$(status scored)" = $((slides - broken)) ]
