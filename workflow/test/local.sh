#!/usr/bin/env bash
# Runs the Snakemake workflow on this machine and compares with one run of the program.
# Usage: workflow/test/local.sh [path/to/histograde]; VENV=folder keeps the environment, SIDE=pixels the size of slides.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
HISTOGRADE=$(realpath "${1:-$(command -v histograde)}")
. "$here/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
snakemake_in "${VENV:-$work/venv}"
snakemake="${VENV:-$work/venv}/bin/snakemake"
cd "$work"
study . "${SIDE:-512}"
echo "gone,slides/gone.svs,a10,treated,liver" >> samples.csv
"$HISTOGRADE" score --manifest samples.csv -o single -q || [ $? -eq 1 ]
run() {
    "$snakemake" -s "$here/../snakemake/Snakefile" --profile "$here/../snakemake/profiles/local" --cores 2 \
        --config samples="${sheet:-samples.csv}" out="${out:-flow}" histograde="$HISTOGRADE" threads=1 "$@"
}
start=$(date +%s)
run 2> snakemake.log || { tail -40 snakemake.log; exit 1; }
echo "snakemake, first run: $(($(date +%s) - start)) s, $(grep -c '^rule score:\|^localrule score:' snakemake.log || true) score jobs"
same single flow/results
test -s flow/comparison/report.html
grep -q '^gone,.*,failed,missing,' flow/results/slides.csv
echo "snakemake: a slide that is missing is a row"
run > again.log 2>&1 && grep -q "Nothing to be done" again.log || { tail -40 again.log; exit 1; }
echo "snakemake, second run: nothing to be done"
cp slides/liver2.svs slides/gone.svs
run 2> snakemake.log || { tail -40 snakemake.log; exit 1; }
grep -q '^gone,.*,scored,' flow/results/slides.csv
echo "snakemake: once it is there, it is scored"
# What the commands are made of counts: options, and the files that they name.
mkdir drawn
echo '{"type":"FeatureCollection","features":[]}' > drawn/liver1.geojson
did() { grep -c "^rule $1:\|^localrule $1:" changed.log || true; }
for how in "--species mouse" "--species mouse --annotations drawn" "--species mouse --annotations=drawn"; do
    out=other run compare=False options="--species rat" > changed.log 2>&1 || { tail -40 changed.log; exit 1; }
    out=other run compare=False options="$how" > changed.log 2>&1 || { tail -40 changed.log; exit 1; }
    [ "$(did score)" = 8 ] && [ "$(did gather)" = 1 ] || { echo "options $how: not scored again"; tail -40 changed.log; exit 1; }
    "$HISTOGRADE" score --manifest samples.csv -o fresh $how -q || [ $? -eq 1 ]
    same fresh other/results
    rm -r fresh
done
sleep 1
echo '{"type":"FeatureCollection","features":[ ]}' > drawn/liver1.geojson
out=other run compare=False options="$how" > changed.log 2>&1 || { tail -40 changed.log; exit 1; }
[ "$(did score)" = 1 ] && [ "$(did gather)" = 1 ] || { echo "drawn areas: not scored again"; tail -40 changed.log; exit 1; }
"$HISTOGRADE" score --manifest samples.csv -o fresh $how -q || [ $? -eq 1 ]
same fresh other/results
rm -r fresh other drawn
echo "snakemake: other options and edited areas are scored again"
# The same sheet as a spreadsheet program of another language writes it.
{ echo "sep=;"; sed '1s/.*/\U&/; s/,/;/g' samples.csv; } > semicolons.csv
sed 's/,/\t/g' samples.csv > tabs.tsv
for other in semicolons.csv tabs.tsv; do
    sheet=$other out=other run > other.log 2>&1 || { tail -40 other.log; exit 1; }
    same flow/results other/results
    rm -r other
done
echo "snakemake: semicolons, capitals and tabs are read"
# Another rubric, and options, reach scoring and comparison; names may hold spaces.
mkdir "my lab"
sed '0,/"weight": [0-9.]*/s//"weight": 7.5/' "$here/../../models/rubric/rubric.json" > "my lab/rubric.json"
echo "control = 'normal'" > "my lab/study file.toml"
cp "$HISTOGRADE" "my lab/histo grade"
"$HISTOGRADE" score --manifest samples.csv -o mouse --species mouse --rubric "my lab/rubric.json" -q || [ $? -eq 1 ]
HISTOGRADE="$PWD/my lab/histo grade" out="a flow" run rubric="my lab/rubric.json" study="my lab/study file.toml" \
    options="--species mouse" > other.log 2>&1 || { tail -40 other.log; exit 1; }
same mouse "a flow/results"
grep -q "Non-default scoring" "a flow/comparison/report.html"
echo "snakemake: rubric, options and names with spaces"
run rubrik=x > other.log 2>&1 && exit 1
grep -q "got rubrik (did you mean rubric?)" other.log || { tail -40 other.log; exit 1; }
echo "snakemake: unknown keys are refused"
echo "snakemake local: results are those of a single-machine run, byte for byte"
