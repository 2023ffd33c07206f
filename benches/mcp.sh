#!/usr/bin/env bash
# Builds rmcp's server outside of the workspace, installs the TypeScript SDK and wrk, and measures Brummer's MCP server beside them.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for pair in wrk:wrk node:nodejs npm:npm; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || packages+=("${pair##*:}")
done
if [ ${#packages[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${packages[@]}"
fi
tools=$PWD/target/bench-tools
[ -d "$tools/mcp/node_modules/@modelcontextprotocol/node" ] ||
  npm install --silent --no-audit --no-fund --prefix "$tools/mcp" \
    @modelcontextprotocol/server@2.4.0 @modelcontextprotocol/node@2.1.2 zod@4
CARGO_TARGET_DIR=$tools/rmcp cargo build --release --quiet --manifest-path benches/peers/rmcp/Cargo.toml
cargo build --release --quiet -p brummer --bin brummer --example conformance_server
exec cargo bench --bench mcp -- "$@"
