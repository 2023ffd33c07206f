#!/usr/bin/env bash
# Installs nginx, HAProxy, Squid, wrk and http-proxy-3 by their package names, and measures Brummer's proxy beside them.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for pair in nginx:nginx-light haproxy:haproxy squid:squid wrk:wrk taskset:util-linux node:nodejs npm:npm; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || packages+=("${pair##*:}")
done
if [ ${#packages[@]} -gt 0 ]; then
  apt-get update -qq
  # RUNLEVEL: none of them is started as a service.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y "${packages[@]}"
fi
modules=$PWD/target/bench-tools
[ -d "$modules/node_modules/http-proxy-3" ] ||
  npm install --silent --no-audit --no-fund --prefix "$modules" http-proxy-3@1
export BRUMMER_BENCH_MODULES=$modules/node_modules
export PATH=$PATH:/usr/sbin
exec cargo bench --bench proxy -- "$@"
