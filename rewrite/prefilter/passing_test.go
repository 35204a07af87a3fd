package prefilter

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// passes gives a text to a Passing in parts of random sizes.
func passes(b *Filter, sql string) Hit {
	p := NewPassing(func(window []byte) Hit { return b.Match(window, true) })
	for rest := sql; rest != ""; {
		n := min(len(rest), 1+rand.IntN(50_000))
		_, _ = p.Write([]byte(rest[:n]))
		rest = rest[n:]
	}
	return p.Close()
}

func TestATextThatPassesByIsSeenAsIfItWereWhole(t *testing.T) {
	t.Parallel()
	b := filterFor("person", "surname")
	filler := "1, 'a text of some words, individually long', x_person_y, "
	for _, c := range []struct {
		text string
		hit  Hit
	}{
		{"", Miss}, {"INSERT INTO t VALUES (1)", Miss}, {"SELECT surname FROM person", Names}, {"SET search_path = x", StateWords},
		{"SET ROLE x", StateWords}, {"UPDATE t SET role = 1", Miss}, {"ROLLBACK TO s", StateWords}, {"ROLLBACK", Miss},
		{"DROP SCHEMA x", Names}, {"CREATE TABLE x ()", StateWords}, {"EXECUTE p", Names}, {`U&"\0070erson"`, Names},
	} {
		for _, before := range []int{0, 1, passingWindow - 40, passingWindow - 7, passingWindow, 3*passingWindow - passingContext, 1 << 20} {
			for _, after := range []int{0, passingWindow, 300_000} {
				lead := strings.Repeat(filler, before/len(filler)+1)[:before]
				if before > 0 {
					lead += "\n;"
				}
				sql := lead + c.text
				if after > 0 {
					sql += ";" + strings.Repeat(filler, after/len(filler)+1)[:after]
				}
				whole := b.Match([]byte(sql), true)
				if whole != c.hit && before+after == 0 {
					t.Fatalf("%q alone is %d, want %d", c.text, whole, c.hit)
				}
				if got := passes(b, sql); got != whole {
					t.Errorf("%q behind %d bytes and before %d is %d, and as a whole %d", c.text, before, after, got, whole)
				}
			}
		}
	}
}

func TestWhatAPassingTextHidesIsTakenForTheWorst(t *testing.T) {
	t.Parallel()
	b := filterFor("person", "surname")
	for name, between := range map[string]string{
		"white space": strings.Repeat(" ", 2*passingWindow), "a comment": "/*" + strings.Repeat("words ", passingWindow) + "*/",
		"a line": "-- " + strings.Repeat("words ", passingWindow) + "\n", "lines": strings.Repeat("-- words words\n", passingWindow/8),
	} {
		for _, parts := range [][2]string{{"SET", "role x"}, {"ROLLBACK", "TO s"}, {"RESET", "role"}, {"SET SESSION", "authorization x"}} {
			if hit := passes(b, "SELECT 1;\n"+parts[0]+" "+between+parts[1]); hit < StateWords {
				t.Errorf("%s %s %s is missed", parts[0], name, parts[1])
			}
		}
		if hit := passes(b, "SELECT 1; DROP "+between+" SCHEMA x"); hit != Names {
			t.Errorf("DROP SCHEMA with %s in it is %d", name, hit)
		}
	}
}
