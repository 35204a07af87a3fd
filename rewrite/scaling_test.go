package rewrite

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/threadcpu"
	"github.com/seguedb/segue/rules"
)

// repeated makes a text of n parts.
func repeated(n int, sep string, part func(int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(part(i))
	}
	return b.String()
}

func same(part string) func(int) string { return func(int) string { return part } }

// longTexts are texts of n parts that name the table under migration, by what there are many of. Each is bound in time
// that grows with n.
var longTexts = map[string]func(n int) string{
	"AND": func(n int) string {
		return "SELECT surname FROM individual WHERE " + repeated(n, " AND ", same("surname <> 'a'"))
	},
	"OR": func(n int) string {
		return "SELECT surname FROM individual WHERE " + repeated(n, " OR ", same("surname = 'a'"))
	},
	"IN": func(n int) string {
		return "SELECT surname FROM individual WHERE id IN (" + repeated(n, ",", strconv.Itoa) + ")"
	},
	"strings": func(n int) string {
		return "SELECT surname FROM individual WHERE surname IN (" + repeated(n, ",", same("'a'")) + ")"
	},
	"targets": func(n int) string { return "SELECT " + repeated(n, ",", same("surname")) + " FROM individual" },
	"aliases": func(n int) string {
		return "SELECT " + repeated(n, ",", func(i int) string { return fmt.Sprintf("surname AS c%d", i) }) + " FROM individual"
	},
	"stars": func(n int) string { return "SELECT " + repeated(n, ",", same("*")) + " FROM individual" },
	"VALUES": func(n int) string {
		return "INSERT INTO individual (id, surname) VALUES " + repeated(n, ",", same("(1, 'b')"))
	},
	"VALUES in FROM": func(n int) string {
		return "SELECT surname FROM individual JOIN (VALUES " + repeated(n, ",", same("(1, 'b')")) + ") v(i, x) ON v.i = id"
	},
	"CTEs chained": func(n int) string {
		return "WITH " + repeated(n, ",", func(i int) string {
			if i == 0 {
				return "c0 AS (SELECT surname FROM individual)"
			}
			return fmt.Sprintf("c%d AS (SELECT surname FROM c%d)", i, i-1)
		}) + fmt.Sprintf(" SELECT surname FROM c%d", n-1)
	},
	"CTEs recursive": func(n int) string {
		return "WITH RECURSIVE " + repeated(n, ",", func(i int) string {
			if i == 0 {
				return "c0 AS (SELECT surname FROM individual)"
			}
			return fmt.Sprintf("c%d AS (SELECT surname FROM c%d)", i, i-1)
		}) + fmt.Sprintf(" SELECT surname FROM c%d", n-1)
	},
	"CTEs beside": func(n int) string {
		return "WITH " + repeated(n, ",", func(i int) string {
			return fmt.Sprintf("c%d AS (SELECT surname FROM individual)", i)
		}) + fmt.Sprintf(" SELECT surname FROM c%d", n-1)
	},
	"joins": func(n int) string {
		return "SELECT a0.surname FROM individual a0" + repeated(n, "", func(i int) string {
			return fmt.Sprintf(" JOIN individual a%d ON a%d.id = a%d.id AND a%d.surname = a0.surname", i+1, i+1, i, i+1)
		})
	},
	"joins USING": func(n int) string {
		return "SELECT a0.surname FROM individual a0" + repeated(n, "", func(i int) string {
			return fmt.Sprintf(" JOIN individual a%d USING (id)", i+1)
		})
	},
	"FROM": func(n int) string {
		return "SELECT a0.surname FROM " + repeated(n, ",", func(i int) string { return fmt.Sprintf("individual a%d", i) })
	},
	"UNION": func(n int) string {
		return repeated(n, " UNION ALL ", same("SELECT surname FROM individual WHERE id = 1"))
	},
	"statements": func(n int) string { return repeated(n, ";", same("SELECT surname FROM individual WHERE id = 1")) },
	"missing":    func(n int) string { return repeated(n, ";", same("SELECT nothing FROM individual WHERE id = 1")) },
	"operators":  func(n int) string { return "SELECT " + repeated(n, "||", same("surname")) + " FROM individual" },
	"order": func(n int) string {
		return "SELECT surname FROM individual ORDER BY " + repeated(n, ",", same("surname"))
	},
	"WHEN": func(n int) string {
		return "SELECT CASE " + repeated(n, " ", same("WHEN surname = 'a' THEN surname")) + " END FROM individual"
	},
	"arguments": func(n int) string { return "SELECT concat(" + repeated(n, ",", same("surname")) + ") FROM individual" },
	"subqueries": func(n int) string {
		return "SELECT " + repeated(n, ",", same("(SELECT surname FROM individual LIMIT 1)"))
	},
	"EXISTS": func(n int) string {
		return "SELECT surname FROM individual i WHERE " + repeated(n, " AND ", same("EXISTS (SELECT FROM individual WHERE id = i.id)"))
	},
	"NOT": func(n int) string {
		return "SELECT surname FROM individual WHERE " + strings.Repeat("(NOT ", n/10) + "true" + strings.Repeat(")", n/10)
	},
	"nested": func(n int) string {
		return "SELECT surname FROM individual WHERE " + strings.Repeat("(", n/10) + "true" + strings.Repeat(")", n/10)
	},
	"minus": func(n int) string {
		return "SELECT surname FROM individual WHERE id = " + strings.Repeat("- ", n/10) + "1"
	},
	"calls": func(n int) string {
		return "SELECT " + strings.Repeat("upper(", n/10) + "surname" + strings.Repeat(")", n/10) + " FROM individual"
	},
	"CASE in CASE": func(n int) string {
		return "SELECT " + strings.Repeat("CASE WHEN true THEN ", n/10) + "surname" + strings.Repeat(" END", n/10) + " FROM individual"
	},
	"arrays": func(n int) string {
		return "SELECT " + strings.Repeat("ARRAY[", n/10) + "surname" + strings.Repeat("]", n/10) + " FROM individual"
	},
	"FROM in FROM": func(n int) string {
		return "SELECT surname FROM " + strings.Repeat("(SELECT surname FROM ", n/10) + "individual" + strings.Repeat(") s", n/10)
	},
	"comments": func(n int) string {
		return "SELECT " + strings.Repeat("/*", n) + strings.Repeat("*/", n) + " surname FROM individual"
	},
	"comment open": func(n int) string { return "SELECT surname FROM individual /*" + strings.Repeat("/", n) },
	"comments beside": func(n int) string {
		return "SELECT " + strings.Repeat("/* c */ -- d\n", n) + " surname FROM individual"
	},
	"quotes": func(n int) string {
		return "SELECT surname FROM individual WHERE surname = '" + strings.Repeat("''", n) + "'"
	},
	"dollars": func(n int) string {
		return "SELECT surname FROM individual WHERE surname = " + repeated(n, "", func(i int) string { return fmt.Sprintf("$a%d", i) })
	},
	"identifier": func(n int) string {
		return `SELECT surname AS "` + strings.Repeat("é", n) + `" FROM individual`
	},
	"casts": func(n int) string { return "SELECT surname" + strings.Repeat("::text", n/10) + " FROM individual" },
	"SET":   func(n int) string { return "UPDATE individual SET " + repeated(n, ",", same("surname = 'a'")) },
	"DO": func(n int) string {
		return "DO $$ BEGIN " + strings.Repeat("PERFORM surname FROM individual WHERE id = 1; ", n) + "END $$"
	},
	"params": func(n int) string {
		return "SELECT surname FROM individual WHERE id IN (" + repeated(n, ",", func(i int) string { return "$" + strconv.Itoa(i%60000+1) }) + ")"
	},
	"GROUP BY": func(n int) string {
		return "SELECT surname FROM individual GROUP BY " + repeated(n, ",", func(i int) string { return "surname" })
	},
	"windows": func(n int) string {
		return "SELECT surname FROM individual WINDOW " + repeated(n, ",", func(i int) string { return fmt.Sprintf("w%d AS (ORDER BY surname)", i) })
	},
	"DROP": func(n int) string {
		return "DROP TABLE individual, " + repeated(n, ",", func(i int) string { return fmt.Sprintf("u%d", i) })
	},
	"GRANT": func(n int) string {
		return "GRANT SELECT (" + repeated(n, ",", same("surname")) + ") ON individual TO PUBLIC"
	},
}

// BenchmarkScaling shows by what factor the time grows when a text has four times as many parts: about 4 where it grows with
// the length.
func BenchmarkScaling(b *testing.B) {
	snap := testSnapshot(150000)
	for _, name := range slices.Sorted(maps.Keys(longTexts)) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			var few, many time.Duration
			for b.Loop() {
				few += bindTime(b, snap, longTexts[name](1000))
				many += bindTime(b, snap, longTexts[name](4000))
			}
			b.ReportMetric(float64(many)/float64(few), "x")
			b.ReportMetric(float64(many.Nanoseconds())/float64(b.N)/4000, "ns/part")
		})
	}
}

// bindTime is what a processor needs for a text that was never seen.
func bindTime(b *testing.B, snap *rules.Snapshot, text string) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	binder := NewBinder(snap, Options{BindCPU: time.Hour})
	start := threadcpu.Now()
	if _, err := binder.Rewrite(pinned("surname"), text); err != nil && !errors.As(err, new(*NeedRelation)) {
		b.Fatal(err)
	}
	return threadcpu.Now() - start
}
