#!/usr/bin/env bash
# Prints an interpreter of Python 3.11 or later: `scripts/python.sh` the first on PATH (PYTHON=… overrules),
# `scripts/python.sh 3.12` one of exactly that version, looked for in pyenv's folder and uv's too.
set -euo pipefail

fits() { # a pyenv shim is on PATH even when no such version is active, so it is run
    "$1" -c "import sys; v = sys.version_info[:2]; sys.exit(not (v == ($2) if ($2) else v >= (3, 11)))" 2>/dev/null
}

wanted=${1:-}
if [[ -z $wanted ]]; then
    for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if fits "$name" "()"; then command -v "$name"; exit 0; fi
    done
    echo "Atomic needs Python 3.11 or later. On Debian 12: apt install python3 python3-venv" >&2
    exit 1
fi
for name in "python$wanted" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted"*/bin/python; do
    if fits "$name" "${wanted/./, }"; then command -v "$name"; exit 0; fi
done
if command -v uv >/dev/null; then
    uv python find --no-python-downloads "$wanted" 2>/dev/null && exit 0
fi
exit 1
