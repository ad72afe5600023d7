#!/usr/bin/env bash
# scripts/venv.sh DIR ARGUMENTS…: makes the virtual environment DIR if there is none, then installs into it
# whatever the arguments of `pip install` say. With uv when it is on PATH, otherwise with venv and pip.
set -euo pipefail
dir=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
uv=$(command -v uv || true)

missing_venv() { # Debian ships venv without ensurepip, which is in a package of its own
    local package
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "This Python cannot make virtual environments yet: installing the Debian package $package." >&2
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
    else
        echo "This Python ($1) cannot make virtual environments." >&2
        echo "On Debian or Ubuntu run: sudo apt install $package   (or put uv on PATH), then make again." >&2
        exit 1
    fi
}

if ! "$dir/bin/python" -c "" 2>/dev/null; then
    python=$("$here/python.sh" ${WANTED:-})
    rm -rf "$dir"
    if [[ $uv ]]; then
        uv venv --quiet --seed --python "$python" "$dir" # seeded, so that it also serves where uv is not on PATH
    else
        "$python" -c "import venv, ensurepip" 2>/dev/null || missing_venv "$python"
        "$python" -m venv "$dir"
    fi
fi
if [[ $uv ]]; then
    uv pip install --quiet --python "$dir/bin/python" "$@"
else
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
fi
