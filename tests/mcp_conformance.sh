#!/usr/bin/env bash
# The official conformance suite of the Model Context Protocol, both of its versions, against examples/conformance_server and, without OAuth,
# examples/conformance_client: nothing may fail.
set -euo pipefail
cd "$(dirname "$0")/.."

# The suite needs Node 22; npm has it as a package, so that it does not matter which one the machine has.
tools=$PWD/target/ci-tools/mcp
newest=@modelcontextprotocol/conformance@0.2.0-alpha.12
if ! [ -x "$tools/node_modules/.bin/node" ] || ! [ -d "$tools/node_modules/conformance-next" ]; then
  npm install --silent --no-audit --no-fund --prefix "$tools" node@22 @modelcontextprotocol/conformance@0.1.16 "conformance-next@npm:$newest"
fi
node=$tools/node_modules/.bin/node
stable=$tools/node_modules/@modelcontextprotocol/conformance/dist/index.js
next=$tools/node_modules/conformance-next/dist/index.js

cargo build --quiet -p brummer --example conformance_server --example conformance_client
examples=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/examples
work=$(mktemp -d)
"$examples"/conformance_server --port 0 >"$work/url" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 1200); do
  [ -s "$work/url" ] && break
  sleep 0.05
done
url=$(cat "$work/url")

failed=0
check() { # name, command…
  local name=$1
  shift
  if (cd "$work" && timeout 900 "$@") >"$work/log" 2>&1 && ! grep -q '^✗\|^  ✗' "$work/log"; then
    printf '%-58s %s\n' "$name" "$(grep '^Total:\|^Passed:' "$work/log")"
  else
    failed=1
    printf '%-58s FAILED\n' "$name"
    grep -q '=== SUMMARY' "$work/log" && sed -n '/=== SUMMARY/,$p' "$work/log" || tail -40 "$work/log"
  fi
}
check "0.1.16 active" "$node" "$stable" server --url "$url" --suite active
check "0.1.16 all" "$node" "$stable" server --url "$url" --suite all
# Everything that is reported counts here, scored or not: tasks and pending scenarios too.
check "0.2 2025-11-25" "$node" "$next" server --url "$url" --requirements 2025-11-25
check "0.2 2026-07-28" "$node" "$next" server --url "$url" --requirements 2026-07-28

client() { # revision, scenario…
  local revision=$1
  shift
  for scenario in "$@"; do
    check "client $revision $scenario" "$node" "$next" client --command "$examples/conformance_client" \
      --scenario "$scenario" --spec-version "$revision"
  done
}
client 2025-11-25 initialize tools_call elicitation-sep1034-client-defaults sse-retry json-schema-2020-12-preservation
client 2026-07-28 tools_call request-metadata sep-2322-client-request-state http-standard-headers http-custom-headers \
  http-invalid-tool-headers json-schema-ref-no-deref json-schema-2020-12-preservation
exit $failed
