package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asks are statements behind which the next that names a table needs an answer that only a query gives: no other connection
// tells here where a search_path leads.
var asks = messages(simple("SET LOCAL search_path TO public"), simple("SET LOCAL ROLE postgres"), simple("LOCK TABLE individual IN SHARE MODE"))

func TestAtReadCommittedNothingIsRefusedForTheSakeOfTheSnapshot(t *testing.T) {
	t.Parallel()
	const first = "SELECT last_name FROM individual ORDER BY id"
	for name, begin := range map[string][]byte{
		"by default":            messages(simple("SHOW transaction_isolation"), simple("BEGIN")),
		"in BEGIN":              messages(simple("SET default_transaction_isolation TO 'repeatable read'"), simple("BEGIN ISOLATION LEVEL READ COMMITTED")),
		"READ UNCOMMITTED":      messages(simple("SHOW transaction_isolation"), simple("START TRANSACTION ISOLATION LEVEL READ UNCOMMITTED, READ WRITE")),
		"set behind BEGIN":      messages(simple("SET default_transaction_isolation TO serializable"), simple("BEGIN; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")),
		"as a setting":          messages(simple("SET default_transaction_isolation TO serializable"), simple("BEGIN; SET transaction_isolation TO 'read committed'")),
		"of the session":        messages(simple("SET default_transaction_isolation TO serializable; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"), simple("BEGIN")),
		"by the default's name": messages(simple("SET default_transaction_isolation TO 'read committed'"), simple("BEGIN")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple(first), "Z"}, {messages(begin, asks), "ZZZZZ"}, {messages(simple(first), simple("ROLLBACK")), "ZZ"},
			}
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}

func TestASnapshotOutlivesRollbackToASavepoint(t *testing.T) {
	t.Parallel()
	begin := simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SAVEPOINT individual; SET LOCAL ROLE postgres")
	run := func(sql string) []byte { return messages(parse("", sql), bind("", ""), execute("")) }
	for name, back := range map[string]step{
		"alone":                   {simple("ROLLBACK TO individual"), "Z"},
		"in all words":            {simple("/* a */ Rollback -- b\n WORK TO SAVEPOINT individual;"), "Z"},
		"after an error":          {messages(parse("", "SELECT nope"), simple("SELECT 1"), syncMsg(), simple("ROLLBACK TO individual")), "ZZ"},
		"by the protocol":         {messages(run("ROLLBACK TRANSACTION TO individual"), syncMsg()), "Z"},
		"prepared by the client":  {messages(parse("r", "ROLLBACK TO individual"), syncMsg(), bind("", "r"), execute(""), syncMsg()), "ZZ"},
		"in a group":              {messages(run("SELECT last_name FROM individual"), run("ROLLBACK TO individual"), run("SET LOCAL search_path TO public"), run("LOCK TABLE individual"), syncMsg()), "Z"},
		"in a string":             {simple("SET LOCAL work_mem TO '1MB'; ROLLBACK TO individual; SELECT 2"), "Z"},
		"in a string, unbound":    {simple("SELECT last_name FROM individual WHERE id = 1; ROLLBACK TO individual; RELEASE individual; LOCK TABLE individual"), "Z"},
		"with a setting changed":  {simple("ROLLBACK TO individual; SET LOCAL search_path TO public; LOCK TABLE individual"), "Z"},
		"twice":                   {simple("ROLLBACK TO individual; ROLLBACK TO SAVEPOINT individual"), "Z"},
		"of another transaction":  {simple("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 3; SAVEPOINT b; ROLLBACK TO b"), "Z"},
		"behind one that is open": {messages(simple("SAVEPOINT b"), simple("ROLLBACK TO b"), simple("ROLLBACK TO individual")), "ZZZ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple("SELECT last_name FROM individual"), "Z"}, {begin, "Z"}, back, {asks, "ZZZ"},
				{messages(simple("SELECT last_name FROM individual"), simple("ROLLBACK")), "ZZ"},
			}
			if diff := cmp.Diff(s.directly(t, people), s.renamed(t, people)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}

// TestATransactionThatIsChainedHasNoSnapshotYet has what only a query tells refused where it would be that query.
func TestATransactionThatIsChainedHasNoSnapshotYet(t *testing.T) {
	t.Parallel()
	for name, chain := range map[string]step{
		"rollback":           {simple("ROLLBACK AND CHAIN"), "Z"},
		"commit":             {simple("COMMIT AND CHAIN"), "Z"},
		"both kinds at once": {simple("SAVEPOINT s; ROLLBACK TO s; ROLLBACK AND CHAIN"), "Z"},
		"by the protocol":    {messages(parse("", "ROLLBACK AND CHAIN"), bind("", ""), execute(""), syncMsg()), "Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple("SELECT last_name FROM individual"), "Z"}, {simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"), "Z"},
				chain, {asks, "ZZZ"},
			}
			got := strings.Join(s.renamed(t, people), "\n")
			if n := strings.Count(got, "C=0A000"); n != 1 || !strings.Contains(got, "would take the snapshot") {
				t.Errorf("heard %s", got)
			}
		})
	}
}

// TestSetTransactionIsRefusedBehindAQuestion is about what a question at READ COMMITTED spoils.
func TestSetTransactionIsRefusedBehindAQuestion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ before, set, code string }{
		"a level":                  {"SHOW work_mem", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "0A000"},
		"in a string with a table": {"SHOW work_mem", "SET TRANSACTION NOT DEFERRABLE; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT last_name FROM individual", "0A000"},
		"behind a query":           {"SELECT 1", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "25001"},
		"something else":           {"SHOW work_mem", "DISCARD ALL", "25001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script{
				{simple("SELECT last_name FROM individual"), "Z"}, {simple("BEGIN"), "Z"}, {asks, "ZZZ"},
				{simple(tc.before), "Z"}, {simple(tc.set), "EZ"},
			}
			// With the transaction search_path comes back, which is reported from version 18 on.
			heard := slices.DeleteFunc(s.renamed(t, people), func(message string) bool { return strings.HasPrefix(message, "S ") })
			if e := heard[len(heard)-2]; !strings.Contains(e, "C="+tc.code) {
				t.Errorf("heard %s, want %s", e, tc.code)
			}
		})
	}
}

// TestWhatIsPreparedIsNotAskedForBeforeTheSnapshot has statements executed by name where the session has used none before, or
// where something may have been prepared unseen. Whether a question came first shows in SET TRANSACTION, which must come
// before any query, and in commands that must be alone in their group.
func TestWhatIsPreparedIsNotAskedForBeforeTheSnapshot(t *testing.T) {
	t.Parallel()
	named := func(name, sql string) []byte { return messages(parse(name, sql), bind("", name), execute("")) }
	group := func(name, sql string) step { return step{messages(named(name, sql), syncMsg()), "Z"} }
	unseen := step{simple("DO $$ BEGIN EXECUTE 'PREPARE inside AS SELECT 1'; END $$"), "Z"}
	still := step{simple("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), "Z"}
	end := step{simple("ROLLBACK"), "Z"}
	begin := step{simple("BEGIN ISOLATION LEVEL REPEATABLE READ"), "Z"}
	for name, s := range map[string]script{
		"BEGIN":                      {group("b", "BEGIN ISOLATION LEVEL REPEATABLE READ"), still, end},
		"BEGIN behind DO":            {unseen, group("b", "BEGIN ISOLATION LEVEL REPEATABLE READ"), still, end},
		"LOCK":                       {begin, group("l", "LOCK TABLE individual"), still, end},
		"LOCK behind DO":             {unseen, begin, group("l", "LOCK TABLE individual"), still, end},
		"LOCK, prepared before":      {{messages(parse("l", "LOCK TABLE individual"), syncMsg()), "Z"}, unseen, begin, {messages(bind("", "l"), execute(""), syncMsg()), "Z"}, still, end},
		"LOCK, prepared before, too": {{messages(parse("l", "LOCK TABLE other"), syncMsg()), "Z"}, unseen, {simple("SELECT last_name FROM individual"), "Z"}, begin, {messages(bind("", "l"), execute(""), syncMsg()), "Z"}, still, end},
		"SET TRANSACTION":            {begin, group("s", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"), still, end},
		"SHOW":                       {begin, group("s", "SHOW transaction_isolation"), still, end},
		"VACUUM":                     {group("v", "VACUUM other")},
		"VACUUM of the table":        {group("v", "VACUUM individual")},
		"VACUUM behind DO":           {unseen, group("v", "VACUUM other")},
		"COMMIT PREPARED":            {group("c", "COMMIT PREPARED 'nobody'")},
		"DISCARD ALL":                {group("d", "DISCARD ALL")},
		"CREATE INDEX CONCURRENTLY":  {group("i", "CREATE INDEX CONCURRENTLY made ON other (id)")},
		"ALTER SYSTEM":               {group("a", "ALTER SYSTEM RESET nothing")},
		"a query behind them":        {unseen, group("b", "BEGIN ISOLATION LEVEL REPEATABLE READ"), group("q", "SELECT last_name FROM individual ORDER BY id"), group("e", "SELECT count(*) FROM pg_prepared_statements WHERE name = 'inside'"), end},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for first, before := range map[string]script{"at first": nil, "later": {{simple("SELECT last_name FROM individual ORDER BY id"), "Z"}}} {
				s := append(before, s...)
				if diff := cmp.Diff(s.directly(t, people, "CREATE TABLE other (id int)"), s.renamed(t, people+"; CREATE TABLE other (id int)")); diff != "" {
					t.Errorf("%s, the client sees (-directly +through the proxy):\n%s", first, diff)
				}
			}
		})
	}
}
