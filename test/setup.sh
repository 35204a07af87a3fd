#!/bin/bash
# Installs what the end-to-end tests use besides PostgreSQL itself: a driver that is not written in Go.
# It does nothing when the driver is there, and says what to install when it may not install it itself.
set -euo pipefail

if /usr/bin/python3 -c 'import psycopg2' 2>/dev/null; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "test/setup.sh: the tests need python3-psycopg2: please install it (apt-get install python3-psycopg2)" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "test/setup.sh: apt-get update failed, going on with the package lists that are here" >&2
apt-get install -y -qq --no-install-recommends python3-psycopg2 >/dev/null
/usr/bin/python3 -c 'import psycopg2'
