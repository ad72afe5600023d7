#!/usr/bin/env bash
# scripts/others.sh NAME…: other projects' programs, which tests point at the server and benches run beside it, each in a
# folder of its own under .others/ and from a lock with hashes: `frameworks` (LlamaIndex, CrewAI, DSPy, LiteLLM as a
# library), `litellm` (its proxy), `node` (OpenAI's and LangChain's clients for JavaScript, Portkey's gateway), and
# `flowise`, which has no lock: it brings 2,000 packages, 2.7 GB and minutes. What could not be installed is said, and the
# tests that need it say so, too; under CI they fail.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/.venv/bin # uv, which takes seconds where pip takes minutes

with_node() { # FOLDER ARGUMENTS of npm…; scripts of packages are not run: none is needed, and some fetch from elsewhere
    command -v npm >/dev/null || { echo "there is no npm" >&2; return 1; }
    (cd "$1" && shift && npm "$@" --ignore-scripts --no-audit --no-fund --loglevel=error)
}

node() {
    cp requirements/node/package.json requirements/node/package-lock.json .others/node/ && with_node .others/node ci
}

flowise() { # its database is compiled here, with the headers that Debian's node brings
    local headers=/usr/include/node
    with_node .others/flowise install flowise@3.1.4 --legacy-peer-deps >/dev/null || return 1
    [[ -d $headers ]] || { echo "there are no headers of node in $headers" >&2; return 1; }
    (cd .others/flowise/node_modules/sqlite3 && npx --offline node-gyp rebuild --nodedir=/usr >/dev/null 2>&1)
}

for name in "$@"; do
    case $name in
        frameworks | litellm) lock=requirements/$name.lock ;;
        node) lock=requirements/node/package-lock.json ;;
        flowise) lock=scripts/others.sh ;;
        *) echo "scripts/others.sh: there is no $name" >&2; exit 2 ;;
    esac
    done=.others/$name/.done
    [[ $done -nt $lock ]] && continue
    mkdir -p ".others/$name"
    echo "Installing into .others/$name" >&2
    case $name in
        frameworks | litellm) scripts/venv.sh ".others/$name" --require-hashes -r "$lock" ;;
        *) "$name" ;;
    esac && touch "$done" || echo "Not installed: $name. The tests that need it say so." >&2
done
exit 0
