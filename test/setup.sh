#!/bin/bash
# Installs what the end-to-end tests use besides PostgreSQL itself: drivers and object-relational mappers that are not
# written in Go. What comes from Debian stays; what comes from npm goes into the user's cache folder, in the versions that
# the lock file pins. It does nothing where all of it is there, and says what to install when it may not do so itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

wanted=()
want() { # the file or program that must be there, and the packages that bring it
	command -v "$1" >/dev/null || [ -e "$1" ] || wanted+=("${@:2}")
}
want /usr/lib/python3/dist-packages/psycopg2 python3-psycopg2
want /usr/lib/python3/dist-packages/django python3-django
want /usr/bin/ruby ruby
want /usr/share/rubygems-integration/all/specifications/activerecord-*.gemspec ruby-activerecord
ruby_pg() { /usr/bin/ruby -e 'require "pg"' 2>/dev/null; }
ruby_pg || wanted+=(ruby-pg)
want java default-jre-headless
want /usr/share/java/ecj.jar libecj-java
want /usr/share/java/postgresql.jar libpostgresql-jdbc-java
want node nodejs
want npm npm

if [ ${#wanted[@]} -gt 0 ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "test/setup.sh: please install what the tests need: apt-get install --no-install-recommends ${wanted[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || echo "test/setup.sh: apt-get update failed, going on with the package lists that are here" >&2
	apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi
/usr/bin/python3 -c 'import psycopg2, django'
/usr/bin/ruby -e 'require "pg"; require "active_record"'

lock=$(sha256sum <orm/testdata/node/package-lock.json)
modules=${XDG_CACHE_HOME:-$HOME/.cache}/segue/node-${lock:0:16}
if [ ! -e "$modules/complete" ]; then
	rm -rf "$modules"
	mkdir -p "$modules"
	cp orm/testdata/node/package.json orm/testdata/node/package-lock.json "$modules"
	npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	touch "$modules/complete"
fi
