package migrate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

func TestAnOverviewHasTheWholeFleetAndWhatComesNext(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(strings.Replace(surname, "0s", "1h", 1))
	overview := func() *Overview {
		t.Helper()
		o, err := f.instances[0].Overview(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	if o := overview(); len(o.Migrations) != 1 || o.Migrations[0].OldNames != nil || !strings.Contains(o.Migrations[0].Next, "segue activate surname") {
		t.Errorf("of a draft it has %+v", o.Migrations)
	}
	f.must("surname", activate, cutover)
	table := catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	f.traffics[1].set(func() {
		f.traffics[1].sessions = []SessionInfo{{PID: 1, Version: "base"}, {PID: 2, Held: true}}
		f.traffics[1].uses = []UseCount{{Version: "base", Table: table, Name: "individual", Column: "last_name", Count: 1, User: "app"}}
	})
	f.traffics[0].set(func() { f.traffics[0].sessions = []SessionInfo{{PID: 3, Version: "base"}} })
	direct := pgtest.Connect(t, f.url+"&application_name=report")
	pgtest.Eventually(t, func() bool { return overview().Migrations[0].OldNames.Last != nil }, "the use is stored")
	o := overview()
	m := o.Migrations[0]
	if m.Migration.Phase != rules.Cutover || m.Migration.Source != "" || m.Says != Says(rules.Cutover) || m.OldNames.Silence != 3600 ||
		m.OldNames.Last.User != "app" || m.OldNames.Earliest.Sub(m.OldNames.Last.Last).Hours() < 0.99 {
		t.Errorf("the migration is %+v, old names %+v", m, m.OldNames)
	}
	if diff := cmp.Diff([]VersionSessions{{"", 1}, {"base", 2}}, o.Sessions); diff != "" {
		t.Errorf("the sessions of the fleet (-want +got):\n%s", diff)
	}
	var found bool
	for _, b := range o.Direct {
		found = found || b.PID == direct.PgConn().PID()
	}
	if !found || o.Directs < 1 || o.Database != value[string](f, `SELECT current_database()::text`) || len(o.Attention) != 0 || o.Held != nil {
		t.Errorf("the overview is %+v", o)
	}
	blocker := f.begin("batch", `SELECT FROM public.individual`)
	if err := f.instances[0].Request(t.Context(), "surname", backToActive); err != nil {
		t.Fatal(err)
	}
	f.blocked(1)
	if o := overview(); len(o.Attention) != 1 || !strings.Contains(o.Migrations[0].Next, "segue cancel surname") {
		t.Errorf("while it waits there is %+v", o)
	}
	_ = blocker.Close(t.Context())
}
