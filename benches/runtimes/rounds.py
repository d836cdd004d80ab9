"""Measures runtimes by turns and prints a table: `python3 rounds.py target 5 MODEL=FOLDER …`, see README.md.

Programs are `target/RUNTIME/release/runtimes`. Median of the rounds, lowest and highest of them.
"""
import os
import statistics
import subprocess
import sys

RUNTIMES = ["own", "ort", "rten", "tract", "burn", "candle"]


def main():
    programs, rounds, *cases = sys.argv[1:]
    found = [r for r in RUNTIMES if os.path.exists(f"{programs}/{r}/release/runtimes")]
    env = {**os.environ, "RAYON_NUM_THREADS": "1", "RTEN_NUM_THREADS": "1"}
    measured = {}
    for _ in range(int(rounds)):
        for case in cases:
            for runtime in found:
                run = subprocess.run([f"{programs}/{runtime}/release/runtimes", runtime, *case.split("=")],
                                     env=env, check=True, capture_output=True, text=True)
                measured.setdefault((case, runtime), []).append(run.stdout.strip().split(" ", 2)[1:])
                print(case, run.stdout, end="", file=sys.stderr, flush=True)
    names = [os.path.basename(case.rstrip("/")) for case in cases]
    print("| runtime | " + " | ".join(names) + " |\n|---|" + "---|" * len(cases))
    for runtime in found:
        cells = []
        for case in cases:
            speeds, rest = zip(*measured[case, runtime])
            speeds = sorted(map(float, speeds))
            cells.append(f"{statistics.median(speeds):.2f} ({speeds[0]:.2f}–{speeds[-1]:.2f}) {rest[0]}")
        print(f"| {runtime} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
