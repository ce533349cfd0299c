#!/bin/sh
# The tests start a PostgreSQL of their own: this installs its server where that may be done (root on a Debian), and
# otherwise says in one sentence what to install. No server is left running.
set -eu

there() { command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }

there && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need PostgreSQL's server (Debian, Ubuntu: apt-get install postgresql); install it and try again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Debian's package would make a database and start a server at once, unless told not to.
apt-get install -qq -y --no-install-recommends postgresql-common >/dev/null
sed -i 's/^#\? *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
apt-get install -qq -y --no-install-recommends postgresql >/dev/null
there || { echo "apt-get installed no PostgreSQL server; install one and try again." >&2; exit 1; }
