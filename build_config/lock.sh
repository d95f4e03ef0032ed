#!/bin/sh
# Writes the locks from pyproject.toml: exact versions and hashes for every system that Mirabelle runs on.
# Needs uv. What is locked stays as it is unless pyproject.toml says otherwise; `lock.sh --upgrade` moves the rest too.
set -eu
cd "$(dirname "$0")/.."

lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$@"
}

lock "$@" --output-file build_config/requirements-install.txt --group install
lock "$@" --output-file build_config/requirements-run.txt pyproject.toml
lock "$@" --output-file build_config/requirements-test.txt pyproject.toml --group test \
    --constraints build_config/requirements-run.txt
