#!/usr/bin/env bash
# Autobahn's WebSocket test suite against an echo server, directly and through `brummer proxy`: every case must come out the same.
# By hand: tests/autobahn.sh [--short | --quick]     needs Python 2.7 with pip. --short leaves out the long messages of the cases 12 and 13,
# --quick the cases 9 (speed), 12 and 13 (compression).
# PYTHON2 names another Python 2.7, BRUMMER another brummer than the one that is built here, OUT a folder for the reports.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON2:-python2.7}
out=${OUT:-$PWD/target/autobahn}
mkdir -p "$out/home"
export PYTHONUSERBASE=$out/python PYTHONWARNINGS=ignore
wstest() { "$python" "$PYTHONUSERBASE/bin/wstest" "$@"; }

if [ ! -x "$PYTHONUSERBASE/bin/wstest" ]; then
  # wsaccel makes the suite's own part fast; without it the long cases take hours.
  "$python" -m pip install --user --quiet --no-warn-script-location \
    autobahntestsuite==0.8.2 autobahn==0.10.9 wsaccel==0.6.2
fi
brummer=${BRUMMER:-}
if [ -z "$brummer" ]; then
  cargo build --release --bin brummer
  brummer=$PWD/target/release/brummer
fi

started=()
trap 'kill "${started[@]}" 2>/dev/null || true' EXIT
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # what, then a command that succeeds once it is there
  local what=$1
  shift
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return
    read -rt 0.1 <> <(:) || true
  done
  echo "waited in vain for $what" >&2
  exit 1
}

echo_server() { # port
  # Not by the function: what is killed at the end is to be the server, not a shell around it.
  "$python" "$PYTHONUSERBASE/bin/wstest" -m testeeserver -w "ws://127.0.0.1:$1" >"$out/server-$1.log" 2>&1 &
  started+=($!)
  wait_for "the echo server" "$python" -c "import socket; socket.create_connection(('127.0.0.1', $1))"
}
direct=$(free_port)
echo_server "$direct"
behind=$(free_port)
echo_server "$behind"
(cd "$out/home" && HOME=$PWD XDG_STATE_HOME=$PWD exec "$brummer" proxy --upstream "http://127.0.0.1:$behind" --no-tui --no-telemetry) \
  >"$out/proxy.log" 2>&1 &
started+=($!)
wait_for "the proxy's address" grep -q 'is also http' "$out/proxy.log"
proxied=$(sed -n 's/.*is also http:\/\/localhost:\([0-9]*\).*/\1/p' "$out/proxy.log")

left_out=
if [ "${1:-}" = --short ]; then
  for group in 12.{1..5} 13.{1..7}; do
    for case in {9..18}; do left_out+="${left_out:+, }\"$group.$case\""; done
  done
elif [ "${1:-}" = --quick ]; then
  left_out='"9.*", "12.*", "13.*"'
fi
suite() { # name, port
  cat >"$out/$1.json" <<END
{ "outdir": "$out/$1", "servers": [{ "agent": "echo", "url": "ws://127.0.0.1:$2" }],
  "cases": ["*"], "exclude-cases": [$left_out], "exclude-agent-cases": {} }
END
  rm -rf "${out:?}/$1"
  wstest -m fuzzingclient -s "$out/$1.json" >"$out/$1.log" 2>&1
}
suite direct "$direct" &
first=$!
suite proxied "$proxied"
wait "$first"

"$python" - "$out" <<'END'
import collections, io, json, sys
def results(name):
    with io.open("%s/%s/index.json" % (sys.argv[1], name), encoding="utf-8") as index:
        cases = json.load(index)["echo"]
    return {case: (str(result["behavior"]), str(result["behaviorClose"])) for case, result in cases.items()}
direct, proxied = results("direct"), results("proxied")
place = lambda case: [int(part) for part in case.split(".")]
other = sorted((case for case in set(direct) | set(proxied) if direct.get(case) != proxied.get(case)), key=place)
for case in other:
    print("%s: %s directly, %s through the proxy" % (case, direct.get(case), proxied.get(case)))
for name, cases in (("directly", direct), ("through the proxy", proxied)):
    counts = collections.Counter(behavior for behavior, _ in cases.values())
    print("%s: %d cases, %s" % (name, len(cases), ", ".join("%d %s" % (n, b) for b, n in sorted(counts.items()))))
sys.exit(1 if other or not direct else 0)
END
