# What the tests of the workflows share: a study of phantoms, and the comparison with a single-machine run.

# study FOLDER SIDE: two slides per tissue, one of them broken, and a sample sheet.
study() {
    mkdir -p "$1/slides"
    echo "slide_id,slide,animal_id,group,tissue" > "$1/samples.csv"
    local n=0 tissue seed
    for tissue in liver kidney pancreas; do
        for seed in 1 2; do
            n=$((n + 1))
            "$HISTOGRADE" phantom --tissue "$tissue" --size "$2" --seed "$seed" -q -o "$1/slides/$tissue$seed.svs"
            echo "$tissue$seed,slides/$tissue$seed.svs,a$n,$([ "$seed" = 1 ] && echo normal || echo treated),$tissue" \
                >> "$1/samples.csv"
        done
    done
    head -c 5000 "$1/slides/liver1.svs" > "$1/slides/torn.svs"
    echo "torn,slides/torn.svs,a9,treated,liver" >> "$1/samples.csv"
}

# same A B: both hold the same bytes, but for what tells of the machine and the time.
same() {
    diff -r -x run.json -x seen.json -x comparison "$1" "$2"
}

# snakemake_in FOLDER: makes a virtual environment with Snakemake, or says that it cannot.
snakemake_in() {
    command -v python3 > /dev/null || { echo "skipped: no python3"; exit 0; }
    [ -x "$1/bin/snakemake" ] && return
    python3 -m venv "$1" && "$1/bin/pip" install --quiet snakemake snakemake-executor-plugin-slurm \
        || { echo "skipped: Snakemake cannot be installed here"; exit 0; }
}
