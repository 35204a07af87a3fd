package rewrite

import (
	"strings"
	"testing"
)

// TestATableMadeByOthersDoesNotTakeThePlaceOfARenamedOne is about DDL around the proxy, which the catalog shows only a
// poll later: meanwhile a bare physical name would mean the new table.
func TestATableMadeByOthersDoesNotTakeThePlaceOfARenamedOne(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"SELECT surname FROM person", "UPDATE person SET surname = ''", "DELETE FROM person", "INSERT INTO person (surname) VALUES ('')",
		"COPY person (surname) FROM STDIN", "LOCK person", "TRUNCATE person",
		"WITH individual AS (SELECT 1) SELECT surname FROM person, individual",
	} {
		text := rewritten(t, sql)
		if text.Statements[0].Failure != nil || !strings.Contains(text.SQL, "public.individual") {
			t.Errorf("%s is sent as %s (%v)", sql, text.SQL, text.Statements[0].Failure)
		}
	}
}
