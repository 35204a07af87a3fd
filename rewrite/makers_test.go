package rewrite

import "testing"

func TestSeveralStatementsAreToldByTheSignsBetweenThem(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"":                                     false,
		"SELECT 1":                             false,
		"SELECT 1;":                            false,
		"SELECT 1; ; -- and no more":           false,
		"; SELECT 1":                           false,
		"SELECT 1; SELECT 2":                   true,
		"DO $$ BEGIN a; b; END $$":             false,
		"DO $$ BEGIN a; b; END $$; SELECT ';'": true,
		"SELECT ';', \"a;b\"":                  false,
	} {
		if got := Several(sql); got != want {
			t.Errorf("Several(%q) = %v", sql, got)
		}
	}
}

func TestABlockThatDoesNotSayWhatItMakesIsTold(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"DO $$BEGIN EXECUTE j; END$$":                                        true,
		"SELECT 1; do language plpython3u $x$ plpy.execute('x') $x$":         true,
		"DO $$ BEGIN PERFORM 1; END $$":                                      false,
		"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = execute": true, // which costs a second look
		"EXECUTE p": false,
	} {
		if got := RunsBlock([]byte(sql)); got != want {
			t.Errorf("RunsBlock(%q) = %v", sql, got)
		}
	}
}
