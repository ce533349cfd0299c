#!/bin/sh
# promtool for the tests: the one that is installed, else out of Debian's package (no server is installed or started),
# as BIN/promtool. BIN: the environment's bin.
set -eu
bin=$1
if command -v promtool >/dev/null || [ -x "$bin/promtool" ]; then exit 0; fi
missing() {
    echo "promtool is missing: install Debian's package prometheus, or put promtool on the PATH." >&2
    exit 1
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || missing
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
if [ "$(id -u)" = 0 ]; then apt-get update -qq >/dev/null 2>&1 || true; fi
apt-get download -qq prometheus >/dev/null 2>&1 || missing
dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool || missing
case $bin in /*) ;; *) bin=$OLDPWD/$bin ;; esac
mv usr/bin/promtool "$bin/promtool"
