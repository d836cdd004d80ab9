#!/usr/bin/env bash
# Runs the scripts of the Nextflow modules as Nextflow would, without Nextflow: each in a folder of its own with its inputs
# staged as links, by `bash -ue`. Compares with one run of the program. Usage: workflow/test/modules.sh [path/to/histograde];
# SIDE=pixels is the size of slides.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
HISTOGRADE=$(realpath "${1:-$(command -v histograde)}")
. "$here/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$HISTOGRADE" "$work/bin/histograde"
export PATH="$work/bin:$PATH"
cd "$work"
study . "${SIDE:-512}"
"$HISTOGRADE" score --manifest samples.csv -o single -q || [ $? -eq 1 ]

# script MODULE NAME=VALUE...: the script of a module, with Nextflow's variables filled in.
script() {
    local text name
    text=$(awk '/^ *script:/ { on = 1 } /"""/ { if (on && inside) exit; if (on) { inside = 1; next } } inside' \
        "$here/../nextflow/modules/local/histograde/$1/main.nf")
    shift
    for name in "$@"; do text=${text//"\${${name%%=*}}"/${name#*=}}; done
    # Groovy takes one of two backslashes, and the one before a dollar.
    printf '%s\n' "$text" | sed 's/\\\\$/\\/; s/\\\$/$/g'
}

tail -n +2 samples.csv | while IFS=, read -r id file _; do
    mkdir -p "tasks/$id/slides"
    ln -s "$work/$file" "tasks/$id/slides/"
    ln -s "$work/samples.csv" "tasks/$id/"
    script score sheet=samples.csv meta.id="$id" prefix="$id" task.cpus=1 memory= args= > "tasks/$id/.command.sh"
    (cd "tasks/$id" && bash -ue .command.sh 2> .command.err) || { cat "tasks/$id/.command.err"; exit 1; }
    [ -s "tasks/$id/$id.outcome.json" ] && [ -d "tasks/$id/$id" ]
done
mkdir -p gather/slides gather/scored
for file in slides/*; do ln -s "$work/$file" gather/slides/; done
for task in tasks/*; do ln -s "$work/$task/$(basename "$task")" gather/scored/; done
ln -s "$work/samples.csv" gather/
script gather sheet=samples.csv args= > gather/.command.sh
(cd gather && bash -ue .command.sh 2> .command.err) || { cat gather/.command.err; exit 1; }
grep -q '^torn,.*,failed,' gather/results/slides.csv
same single gather/results
echo "scripts of the Nextflow modules: results are those of a single-machine run, byte for byte"
