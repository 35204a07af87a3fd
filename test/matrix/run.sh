#!/usr/bin/env bash
# Runs tests on PostgreSQL servers of several major versions, one after the other, each fetched by fetch.sh:
#   run.sh [MAJOR...]
# On 18 and later: the few tests in which a newer server shows most, of what is read of the catalogs and what clients see on the
# wire, one rename from end to end, and by the build with its grammar what only it can do. They are for each change, so they are to be short. On earlier versions: columns that change
# under both versions, and the way back from each phase. On all: what code makes unseen, which each server tells in its own way.
# Clients that tests start, such as psql, are the machine's. What is in TESTFLAGS is passed to go test; a -run there is the one
# that counts. docs/versions.md tells what differs between the versions.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ $# -gt 0 ] || set -- 18 17 16 14 13
read -ra flags <<<"${TESTFLAGS:-}"

# Names of tests in ./proxy: reports, strings of several statements, catalogs in the names of a version, texts that only a newer
# server can read, and plans. In ./test: a rename from end to end, and queries on catalogs.
telling='AReportThatComes|WhatAPassingTextMakesAndSets|EachStatementOfAString|WhatRunsOnceSeesTheCatalogs|AnErrorOfTheGrammar|PlansAreInTheWords'
telling+='|BothVersionsGoOnWhileTheSchema|PreparedQueriesOnCatalogs'
# In ./test, and in ./migrate one for a role that is no superuser.
changing='EachKindOfChange|AMigrationIsRolledBackFromEachPhase|AColumnIsAddedUnderBothVersions|WhatTheRoleLacksIsFoundWithItsGrant'

# on runs tests on the server whose programs are in a folder, and keeps what they came to.
results=() failed=0
on() { # what it is called, the folder, what go test is told
	local name=$1 bin=$2 began=$SECONDS outcome=passed
	shift 2
	SEGUE_PGBIN=$bin go test -count=1 -timeout 30m "$@" "${flags[@]}" || { outcome=FAILED failed=1; }
	results+=("$(printf '%-36s %-6s %5d s' "$name" "$outcome" $((SECONDS - began)))")
}

for major; do
	bin=$(test/matrix/fetch.sh "$major") || exit 1
	version=$("$bin/postgres" --version)
	echo "== $version"
	if [ "$major" -ge 18 ]; then
		on "$version, catalogs" "$bin" ./catalog
		on "$version, the wire" "$bin" ./proxy ./test -run "$telling"
		on "$version, its grammar" "$bin" -tags pg18 ./rewrite -run OnlyNewerServersCanDo
	else
		on "$version, changes" "$bin" ./test ./migrate -run "$changing"
	fi
	on "$version, code" "$bin" ./proxy -run WhatCodeMakesUnseen
done
printf '%s\n' "${results[@]}"
exit $failed
