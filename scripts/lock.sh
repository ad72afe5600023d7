#!/usr/bin/env bash
# Compiles requirements/*.lock: hashed, for every Python from 3.11 on, and free of host names.
# Pins that are in a lock already stay; `scripts/lock.sh --upgrade` moves them.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --override requirements/without.txt "$@"
}

compile "$@" pyproject.toml requirements/build.in --extra local -o requirements/demo.lock
# The light set is a subset of the full one with the same pins, so that both live in one .venv.
compile "$@" pyproject.toml requirements/build.in requirements/dev.in --all-extras \
    -c requirements/demo.lock -o requirements/dev.lock
for others in frameworks litellm; do # environments of their own (scripts/others.sh)
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@" \
        "requirements/$others.in" -o "requirements/$others.lock"
done
compile "$@" --no-deps requirements/models.in -o requirements/models.lock
compile "$@" --no-deps requirements/models-more.in -o requirements/models-more.lock
