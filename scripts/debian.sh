#!/usr/bin/env bash
# scripts/debian.sh COMMAND…: has these commands of Debian packages of the same name, which tests of pages and of
# telemetry need; as root by apt, otherwise it says what is missing, and those tests are skipped.
set -euo pipefail

missing=()
for command in "$@"; do
    command -v "$command" >/dev/null || missing+=("$command")
done
[[ ${#missing[@]} == 0 ]] && exit 0
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing for the tests, from Debian: ${missing[*]}" >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" fonts-dejavu-core >/dev/null && exit 0
fi
echo "Not here: ${missing[*]}. The tests that need them are skipped; on Debian: apt install ${missing[*]}" >&2
