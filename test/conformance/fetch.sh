#!/usr/bin/env bash
# Fetches PostgreSQL's own suites of tests, of the version that is installed here if the archive has its source, into a folder of the caller's:
#   fetch.sh DIR
# Afterwards DIR/regress holds the suite with regress.so built, DIR/isolation the one about concurrent transactions, and
# DIR/libpq_pipeline is the program that tries pipelines, DIR/pgproto Pgpool-II's program that plays messages; pg_regress and its like are part of the installed packages.
# Everything comes from the Debian archive that the machine already uses; nothing is installed.
set -euo pipefail

dir=$(realpath -m "${1:?usage: fetch.sh DIR}")
major=15
version=$(dpkg-query -W -f '${Version}' "postgresql-$major")
stamp="$dir/.fetched-$version-2" # 2: what is fetched and built
[ -e "$stamp" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/sources.d"

# A source list of our own, made from the machine's: its deb entries as deb and deb-src.
: > "$dir/apt/sources.list"
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -e "$f" ] || continue
  grep -E '^deb .*debian' "$f" >> "$dir/apt/sources.list" || true
  sed -nE 's/^deb (.*debian.*)/deb-src \1/p' "$f" >> "$dir/apt/sources.list"
done
for f in /etc/apt/sources.list.d/*.sources; do
  [ -e "$f" ] || continue
  grep -qE '^URIs:.*debian' "$f" || continue
  sed -E 's/^Types:.*/Types: deb deb-src/' "$f" > "$dir/apt/sources.d/$(basename "$f")"
done
apt=(apt-get -q -o "Dir::Etc::sourcelist=$dir/apt/sources.list" -o "Dir::Etc::sourceparts=$dir/apt/sources.d"
  -o "Dir::State::lists=$dir/apt/lists" -o APT::Sandbox::User=root)

cd "$dir"
"${apt[@]}" update
source_of() { "${apt[@]}" source --download-only --tar-only "postgresql-$major=$1"; }
if ! source_of "$version"; then # an archive can have a security update without its source; a suite of another minor release does
  others=$(apt-cache "${apt[@]:2}" showsrc "postgresql-$major" | sed -n 's/^Version: //p' | grep -vxF "$version" | sort -rV)
  found=
  for other in $others; do
    source_of "$other" && found=$other && break
  done
  [ -n "$found" ] || { echo "fetch.sh: the archive has no source of postgresql-$major" >&2; exit 1; }
  echo "fetch.sh: the archive lacks the source of $version; the suite is that of $found" >&2
fi
"${apt[@]}" download "postgresql-server-dev-$major=$version"

mkdir src
tar -xf "postgresql-${major}_"*.orig.tar.* -C src --strip-components=1
mkdir dev
dpkg -x "postgresql-server-dev-${major}_"*.deb dev
cp -r src/src/test/regress regress
cp -r src/src/test/isolation isolation
gcc -O1 -fPIC -shared -w -I "dev/usr/include/postgresql/$major/server" -o regress/regress.so regress/regress.c
gcc -O1 -w -I "dev/usr/include/postgresql/$major/server" -I src/src/interfaces/libpq -o libpq_pipeline \
  src/src/test/modules/libpq_pipeline/libpq_pipeline.c -L "dev/usr/lib/postgresql/$major/lib" -l:libpq.so.5 -lpgcommon -lpgport
"${apt[@]}" download pgpool2
dpkg -x pgpool2_*.deb pgpool
ln -s pgpool/usr/sbin/pgproto pgproto
chmod -R a+rX "$dir"
touch "$stamp"
