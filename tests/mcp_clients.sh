#!/usr/bin/env bash
# Clients that people use, the Inspector's command line and the Python SDK, against the product itself: every era, every wire. Nothing may fail.
set -euo pipefail
cd "$(dirname "$0")/.."

# The Inspector needs Node 22; npm has it as a package, so that it does not matter which one the machine has.
tools=$PWD/target/ci-tools/mcp
inspector=$tools/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js
[ -x "$tools/node_modules/.bin/node" ] && [ -f "$inspector" ] ||
  npm install --silent --no-audit --no-fund --prefix "$tools" node@22 @modelcontextprotocol/inspector@2.12.0
python=$PWD/target/ci-tools/mcp-python/bin/python
if ! "$python" -c 'import mcp' 2>/dev/null; then
  python3 -m venv --clear "${python%/bin/python}"
  "$python" -m pip install --quiet --disable-pip-version-check mcp==2.3.0
fi

cargo build --quiet -p brummer --bin brummer
target=${CARGO_TARGET_DIR:-target}
export BRUMMER=$(realpath "$target/debug/brummer") INSPECTOR="$tools/node_modules/.bin/node $inspector"
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

# One after the other would be as much work for the machine, but mostly waiting.
"$python" tests/mcp_clients/inspector.py &
inspected=$!
failed=0
"$python" tests/mcp_clients/sdk.py || failed=1
"$python" tests/mcp_clients/chaos.py || failed=1
wait $inspected || failed=1
exit $failed
