#!/bin/bash
# Installs what the end-to-end tests use besides PostgreSQL itself: drivers and object-relational mappers that are not
# written in Go, and tools for migrations. What comes from Debian stays; what comes from npm goes into the user's cache
# folder, in the versions that the lock file pins, and so do programs in Go, in the versions that stand here. It does nothing where all of it is there, and says what to install when it may not do so itself.
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
want /usr/lib/python3/dist-packages/alembic python3-alembic
want /usr/bin/sqitch sqitch
want /usr/lib/*/perl5/*/DBD/Pg.pm libdbd-pg-perl

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

# Programs in Go, as their makers have it: go install, with the drivers for PostgreSQL alone.
programs=${XDG_CACHE_HOME:-$HOME/.cache}/segue/programs
program() { # its name, its tags, its package with the version
	[ -e "$programs/$1-${3##*@}" ] && return
	GOFLAGS=-mod=mod GOBIN=$programs go install -tags "$2" "$3"
	ln -f "$programs/$1" "$programs/$1-${3##*@}"
}
program migrate postgres github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1
program goose "no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_starrocks no_vertica no_ydb" github.com/pressly/goose/v3/cmd/goose@v3.30.0
