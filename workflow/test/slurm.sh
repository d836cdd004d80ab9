#!/usr/bin/env bash
# Runs the workflow on a Slurm of its own on this machine (loopback only), kills a job in the middle and restarts the
# node, and compares with one run of the program. Needs root and Debian's slurmctld slurmd slurm-client munge
# slurm-wlm-basic-plugins. Usage: workflow/test/slurm.sh [path/to/histograde]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
HISTOGRADE=$(realpath "${1:-$(command -v histograde)}")
. "$here/lib.sh"
for tool in slurmctld slurmd munged sbatch; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: not root"; exit 0; }
work=$(mktemp -d)
chmod 755 "$work"
cleanup() {
    for name in slurmd slurmctld munged; do
        [ -s "$work/run/$name.pid" ] && kill "$(cat "$work/run/$name.pid")" 2> /dev/null || true
    done
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else sleep 1; rm -rf "$work"; fi
}
trap cleanup EXIT
snakemake_in "${VENV:-$work/venv}"
snakemake="${VENV:-$work/venv}/bin/snakemake"

mkdir -p "$work"/{run,state,spool,log,shim}
host=$(hostname -s)
head -c 1024 /dev/urandom > "$work/key"
chmod 400 "$work/key"
sed "s|@DIR@|$work|g; s|@HOST@|$host|g; s|@CPUS@|$(nproc)|g" "$here/slurm.conf" > "$work/slurm.conf"
export SLURM_CONF="$work/slurm.conf"
# Jobs start srun in an environment of their own, without SLURM_CONF.
for tool in srun sbatch squeue scancel scontrol sinfo; do
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v "$tool")" > "$work/shim/$tool"
    chmod +x "$work/shim/$tool"
done
export PATH="$work/shim:$PATH"
munged --key-file="$work/key" --socket="$work/run/munge.socket" --pid-file="$work/run/munged.pid" \
    --log-file="$work/log/munged.log" --seed-file="$work/run/munge.seed" --force 2> /dev/null
node() { slurmd -f "$SLURM_CONF" -N "$host" -c; }
slurmctld -f "$SLURM_CONF"
node
for _ in $(seq 30); do sinfo -h -o %T 2> /dev/null | grep -q idle && break; sleep 1; done
sinfo

cd "$work"
study . "${SIDE:-1536}"
"$HISTOGRADE" score --manifest samples.csv -o single -q || [ $? -eq 1 ]

start=$(date +%s)
"$snakemake" -s "$here/../snakemake/Snakefile" --profile "$here/../snakemake/profiles/slurm" --jobs 7 \
    --config samples=samples.csv out=flow histograde="$HISTOGRADE" threads=1 mem_mb=500 runtime=10 \
    --latency-wait 5 > snakemake.log 2>&1 &
flow=$!
job_process() { ps -eo pid,args | awk -v p="$HISTOGRADE" '$2 == p && /--only/ { print $1; exit }'; }
killed=""
for _ in $(seq 600); do
    process=$(job_process)
    if [ -n "$process" ]; then
        sleep 0.3
        kill -9 "$process" 2> /dev/null && killed=$process && break
    fi
    kill -0 "$flow" 2> /dev/null || break
    sleep 0.1
done
[ -n "$killed" ] || { echo "no job was killed in the middle"; exit 1; }
echo "killed in the middle: process $killed"
for _ in $(seq 100); do [ -n "$(job_process)" ] && break; sleep 0.1; done
kill -9 "$(cat run/slurmd.pid)" && sleep 2 && node || { echo "the node could not be restarted"; exit 1; }
echo "node restarted"
wait "$flow" || { tail -40 snakemake.log; exit 1; }
echo "snakemake on Slurm: $(($(date +%s) - start)) s"
grep -o 'JobId=[0-9]*.*JobState=[A-Z_]*' log/jobcomp.log | sed 's/ .*JobState=/ /' | sort | uniq -c | sort -rn | awk '{print $3}' | sort | uniq -c
same single flow/results
test -s flow/comparison/report.html
echo "snakemake on Slurm: results are those of a single-machine run, byte for byte"
