package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// small has texts of more than 1 MiB pass by.
func small(c *Config) { c.Rewrite.MaxBytes = 1 << 20 }

// filler is so many bytes within a string.
func filler(n int) string { return "'" + strings.Repeat("z", n) + "'" }

// codes plays messages in one session and returns what it hears: of errors, the codes.
func codes(c *wiretest.Client, send []byte, until string) string {
	c.T.Helper()
	go func() { _, _ = c.Write(send) }()
	var heard strings.Builder
	for _, kind := range []byte(until) {
		for {
			f, err := c.In.Next()
			if err == nil {
				f, err = c.In.ReadRest(f, wire.MaxMessage)
			}
			if err != nil {
				c.T.Fatalf("after %q: %v", heard.String(), err)
			}
			heard.WriteByte(f.Type)
			if f.Type == wire.ErrorResponse {
				fields, _ := wire.DecodeError(f.Body)
				heard.WriteString("<" + fields.Get(wire.FieldCode) + ">")
			}
			if f.Type == wire.ReadyForQuery {
				heard.WriteByte(f.Body[0])
			}
			if f.Type == kind {
				break
			}
		}
	}
	return heard.String()
}

func TestALargeTextPassesUnlessItNamesATableUnderMigration(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, small)
	p.run("CREATE TABLE big (id int, v text)", "GRANT ALL ON big TO public")
	const n = 2 << 20
	for name, c := range map[string]struct {
		send        []byte
		until, want string
	}{
		"a query without a name":       {simple("SELECT length(" + filler(n) + ")"), "Z", "TDCZI"},
		"a name at the beginning":      {simple("SELECT last_name FROM individual WHERE last_name = " + filler(n)), "Z", "E<54000>ZI"},
		"a name in the middle":         {simple("SELECT " + filler(n) + ", individual, " + filler(n) + " FROM x"), "Z", "E<54000>ZI"},
		"a name at the very end":       {simple("SELECT " + filler(n) + " FROM individual"), "Z", "E<54000>ZI"},
		"a name and one more byte":     {simple("SELECT " + filler(n) + " FROM individual "), "Z", "E<54000>ZI"},
		"a syntax error of the server": {simple("SELEC " + filler(n)), "Z", "E<42601>ZI"},
		"a Parse without a name":       {messages(parse("", "SELECT length("+filler(n)+")"), bind("", ""), execute(""), syncMsg()), "Z", "12DCZI"},
		"a Parse with a name at the end": {
			messages(parse("", "SELECT "+filler(n)+" FROM individual"), bind("", ""), execute(""), syncMsg()), "Z", "E<54000>ZI"},
		"a named Parse and its end": {
			messages(parse("big", "SELECT length("+filler(n)+")"), syncMsg(), bind("", "big"), execute(""), closing("big"), syncMsg()), "ZZ", "1ZI2DC3ZI"},
		"a refused Parse ends the unnamed statement": {
			messages(parse("", "SELECT 1"), syncMsg(), parse("", "SELECT "+filler(n)+" FROM individual"), syncMsg(), bind("", ""), syncMsg()),
			"ZZZ", "1ZIE<54000>ZIE<26000>ZI"},
		"a refused Parse of a name leaves another": {
			messages(parse("a", "SELECT 1"), parse("b", "SELECT "+filler(n)+" FROM individual"), syncMsg(), bind("", "a"), execute(""), closing("a"), syncMsg()),
			"ZZ", "1E<54000>ZI2DC3ZI"},
		"a transaction fails as by any error": {
			messages(simple("BEGIN"), simple("SELECT "+filler(n)+" FROM individual"), simple("SELECT 1"), simple("ROLLBACK")),
			"ZZZZ", "CZTE<54000>ZEE<25P02>ZECZI"},
		"a large value of a small statement": {
			messages(parse("", "SELECT length(last_name || $1::text) FROM individual"), bind("", "", bytes.Repeat([]byte{'z'}, n)), execute(""), syncMsg()),
			"Z", "12DDDCZI"},
		"what follows in the pipeline": {
			messages(simple("SELECT length("+filler(n)+")"), simple("SELECT last_name FROM individual"), simple("SELECT surname FROM individual")),
			"ZZZ", "TDCZITDDDCZITDDDCZI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, codes(p.login(), c.send, c.until)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPassingTextIsRefusedWhereverItsNameIsCut(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, small)
	c := p.login()
	for back := range 40 {
		at := firstPart + (1 << 20) + back - 20
		head := "SELECT 'zz" + strings.Repeat("z", at-40) + "',"
		if got := codes(c, simple(head+" last_name FROM individual, "+filler(100_000)), "Z"); got != "E<54000>ZI" {
			t.Errorf("a name behind %d bytes: %s", len(head), got)
		}
	}
}

func TestWhatAPassingTextMakesAndSetsIsKnownAfterIt(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, small)
	c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	big := " /*" + strings.Repeat("z", 2<<20) + "*/ "
	pathSet := "CTDCZI"
	if pgtest.Cluster().Major >= 18 { // which reports search_path
		pathSet = "CTDCSZI"
	}
	for _, step := range []struct{ sql, want string }{
		{"CREATE SCHEMA mine; CREATE TABLE mine.t (surname int)", "CCZI"},
		{"SET search_path = mine, public;" + big + "SELECT 1", pathSet},
		{"SELECT last_name FROM individual", "TDDDCZI"},
		{"CREATE TEMP TABLE individual (own int);" + big, "E<54000>ZI"},
		{"CREATE VIEW seen AS SELECT last_name AS n FROM public.individual", "CZI"},
		{"SELECT n FROM seen", "TDDDCZI"},
		{"PREPARE kept AS SELECT 1", "CZI"},
		{big + "SELECT 1; DEALLOCATE kept", "E<54000>ZI"},
		{"EXECUTE kept", "TDCZI"},
	} {
		if got := codes(c, simple(step.sql), "Z"); got != step.want {
			t.Errorf("%.60s: %s, want %s", step.sql, got, step.want)
		}
	}
}

func TestAPreparedTextThatHasPassedIsJudgedAgainWhenAMigrationGoesLive(t *testing.T) {
	t.Parallel()
	p := openProxy(t, small)
	p.run(people)
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	without, with := "SELECT length("+filler(2<<20)+")", "SELECT last_name FROM individual WHERE last_name = "+filler(2<<20)
	if got := codes(c, messages(parse("a", without), parse("b", with), syncMsg()), "Z"); got != "11ZI" {
		t.Fatal(got)
	}
	p.phase(1, rules.Active)
	if got := codes(c, messages(bind("", "a"), execute(""), syncMsg()), "Z"); got != "2DCZI" {
		t.Errorf("one that names nothing: %s", got)
	}
	if got := codes(c, messages(bind("", "b"), execute(""), syncMsg()), "Z"); !strings.HasPrefix(got, "E<") || strings.Contains(got, "D") {
		t.Errorf("one with a name: %s", got)
	}
}

func TestManyClientsWithLargeTextsHoldABoundedPart(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	const clients, size = 30, 300 << 20
	for i := range clients {
		c := p.login()
		sql := simple("SELECT last_name FROM individual WHERE last_name = " + filler(size/clients))
		if i%2 == 0 {
			sql = simple("SELECT length(" + filler(size/clients) + ")")
		}
		// All but the end of it, which the server side must not need to hold.
		go func() { _, _ = c.Write(sql[:len(sql)-10]) }()
	}
	pgtest.Eventually(t, func() bool {
		p.Server.texts.mu.Lock()
		defer p.Server.texts.mu.Unlock()
		return p.Server.texts.total-p.Server.texts.left > p.Server.texts.total*2/5
	}, "the texts to be held")
	p.Server.texts.mu.Lock()
	defer p.Server.texts.mu.Unlock()
	if held := p.Server.texts.total - p.Server.texts.left; held > p.Server.texts.total/2 {
		t.Errorf("one user's texts hold %d bytes", held)
	}
}

func TestATextPassesByWhenTheMemoryForTextsIsUsedUp(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	c := p.login()
	user := p.Sessions()[0].User
	b := p.Server.texts
	if !b.take(user, b.total/2) || b.take(user, 1) || !b.take("another", b.total/4) {
		t.Fatal("one user's share is not half of it")
	}
	b.give("another", b.total/4)
	named := "SELECT last_name FROM individual WHERE last_name = " + filler(2<<20)
	if got := codes(c, simple(named), "Z"); got != "E<53200>ZI" {
		t.Errorf("with names: %s", got)
	}
	if got := codes(c, simple("SELECT length("+filler(2<<20)+")"), "Z"); got != "TDCZI" {
		t.Errorf("without: %s", got)
	}
	b.give(user, b.total/2)
	if got := codes(c, simple(named), "Z"); got != "TCZI" {
		t.Errorf("when there is memory again: %s", got)
	}
	// The session gives it back when it takes the next message.
	pgtest.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.left == b.total && len(b.users) == 0
	}, "all is given back")
}

func TestATextThatWaitedForIsNotExecutedInOtherWordsOnceNothingIsLive(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, small)
	p.phase(2, rules.Cutover, renameThere)
	c := p.loginBase()
	if got := codes(c, simple("PREPARE q AS SELECT last_name FROM individual"), "Z"); got != "CZI" {
		t.Fatal(got)
	}
	p.phase(3, rules.Contracted)
	big := filler(2 << 20)
	if got := codes(c, simple("SELECT length("+big+"); EXECUTE q"), "Z"); got != "E<54000>ZI" {
		t.Errorf("an EXECUTE behind a large string: %s", got)
	}
	if got := codes(c, simple("SELECT length("+big+")"), "Z"); got != "TDCZI" {
		t.Errorf("a large string: %s", got)
	}
}

// A watchedWriter calls on each write.
type watchedWriter func(p []byte)

func (w watchedWriter) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestAPassingTextIsRefusedBeforeTheServerCanAnswer(t *testing.T) {
	t.Parallel()
	const mark = "individual"
	for name, parts := range map[string][]string{
		"far from the end": {"SELECT 1 FROM ", mark + ", ", strings.Repeat("z", 1<<20), "\x00"},
		"by the last part": {"SELECT 1, ", strings.Repeat("z", 1<<20), " FROM " + mark + "\x00"},
	} {
		refused := false
		out := wire.NewWriter(watchedWriter(func(part []byte) {
			if bytes.IndexByte(part, 0) >= 0 && !refused {
				t.Errorf("%s: zeros are sent before it is said what the server's error means", name)
			}
		}))
		p := &passing{out: out, refuse: func() { refused = true }, look: prefilter.NewPassing(func(part []byte) prefilter.Hit {
			if bytes.Contains(part, []byte(mark)) {
				return prefilter.Names
			}
			return prefilter.Miss
		})}
		for _, part := range parts {
			if _, err := p.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if p.look.Close() == prefilter.Names && !p.spoilt {
			if err := p.spoil(); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
		if !p.spoilt || !refused {
			t.Errorf("%s: spoilt %t, refused %t", name, p.spoilt, refused)
		}
	}
}
