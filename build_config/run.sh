#!/bin/sh
# Starts Mirabelle, installing what it needs first. Words go to `mirabelle`: run.sh --help lists them.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/build_config/environment.sh"

ensure_environment run
PYTHONPATH="$root/app" exec "$venv/bin/python" -m mirabelle "$@"
