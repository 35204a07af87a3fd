package proxy

import "testing"

func TestTheFirstWordTellsWhatAStatementDoesToTheTransaction(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]control{
		"BEGIN": begins, " begin isolation level serializable": begins, "START TRANSACTION": begins,
		"COMMIT;": ends, ";; -- a\n;end": ends, "end": ends, "/* a /* nested */ b */ -- c\n\tRollback": ends, "abort": ends,
		"PREPARE TRANSACTION 'x'": ends, "rollback to s": ends,
		"": noControl, "SELECT 1": noControl, "beginning": noControl, "/* open": noControl, "-- only": noControl,
		"(SELECT 1)": noControl, "en": noControl, "INSERTINTOX": noControl, "ENDE": noControl,
	} {
		if got := controlOf([]byte(sql)); got != want {
			t.Errorf("%q: %d, want %d", sql, got, want)
		}
	}
}
