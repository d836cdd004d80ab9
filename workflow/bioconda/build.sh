#!/usr/bin/env bash
set -euo pipefail
cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
cargo auditable install --locked --no-track --bins --root "$PREFIX" --path .
