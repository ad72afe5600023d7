#!/usr/bin/env bash
# scripts/test-wheel.sh [ARGUMENTS of pytest]: builds the wheel and runs the tests against it, not against src/.
#
# The wheel goes into .venv-wheel, which borrows every other package from .venv by one line in a .pth file.
# The editable install in .venv is itself a .pth file, and a borrowed folder's .pth files are not followed,
# so src/ is nowhere on the path; tests/house/test_wheel.py proves it. WANTED=3.12 takes that Python instead,
# in .venv-3.12 with its own packages.
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf build/wheel
.venv/bin/python -m hatchling build -t wheel -d build/wheel >/dev/null 2>&1 ||
    .venv/bin/python -m hatchling build -t wheel -d build/wheel # once more, to be read
wheel=$(echo build/wheel/*.whl)

if [[ ${WANTED:-} ]]; then
    venv=.venv-$WANTED
    scripts/venv.sh "$venv" --require-hashes --no-deps -r requirements/dev.lock
    scripts/venv.sh "$venv" --require-hashes --no-deps -r requirements/models.lock
else
    venv=.venv-wheel
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    rm -rf "$venv"
    .venv/bin/python -m venv --without-pip "$venv"
    echo "$packages" >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth"
fi
if command -v uv >/dev/null; then
    uv pip install --quiet --python "$venv/bin/python" --no-deps --no-index --reinstall-package atomic-market "$wheel"
elif [[ ${WANTED:-} ]]; then # its own pip: that of .venv may be too old to run on a newer Python
    "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-index --force-reinstall "$wheel"
else
    .venv/bin/python -m pip --python "$venv/bin/python" --disable-pip-version-check \
        install --quiet --no-deps --no-index --force-reinstall "$wheel"
fi

export ATOMIC_TEST_WHEEL=1 PYTHONDONTWRITEBYTECODE=1
echo "Testing $(basename "$wheel") with $("$venv/bin/python" --version)"
"$venv/bin/python" -m pytest -n 2 --dist loadgroup -m "not alone" "$@"
# Timings last, with the machine for themselves. 5 is pytest's word for "there was none".
"$venv/bin/python" -m pytest -p no:xdist -m alone "$@" || [[ $? == 5 ]]
