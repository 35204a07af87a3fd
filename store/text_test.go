package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

func TestWhatTheEncodingLacksIsReplacedAndTheTransactionGoesOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ encoding, text, want string }{
		{"LATIN1", "é", "é"},
		{"LATIN1", "é→", "??"},
		{"LATIN1", "\u2028", "?"},
		{"EUC_JP", "日本", "日本"},
		{"EUC_JP", "日\U0001F600", "??"},
		{"UTF8", "→\U0001F600", "→\U0001F600"},
		{"UTF8", "a\xffb\x00c", "a?b?c"},
	} {
		t.Run(tc.encoding+" "+tc.want, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, pgtest.DatabaseIn(t, tc.encoding))
			if err := store.Install(ctx, conn); err != nil {
				t.Fatal(err)
			}
			tx, err := conn.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			blockers, err := json.Marshal([]string{`\u2028 "` + tc.text})
			if err != nil {
				t.Fatal(err)
			}
			if err := store.AddAudit(ctx, tx, &store.AuditRow{Migration: "m", Kind: "done", Detail: tc.text, Actor: tc.text, Blockers: blockers}); err != nil {
				t.Fatal(err)
			}
			if err := store.RegisterInstance(ctx, tx, "i", tc.text, time.Second, 1, true); err != nil {
				t.Fatal(err)
			}
			if err := store.ReportInstance(ctx, tx, "i", store.Report{Sessions: blockers}); err != nil {
				t.Fatal(err)
			}
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			all, err := store.LoadAudit(ctx, conn, "m", 0, 10)
			if err != nil || len(all) != 1 || all[0].Detail != tc.want || all[0].Actor != tc.want {
				t.Errorf("audit %+v, error %v", all, err)
			}
			rows, err := store.LoadInstances(ctx, conn, false)
			if err != nil || len(rows) != 1 || rows[0].Address != tc.want {
				t.Fatalf("instances %+v, error %v", rows, err)
			}
			var said []string
			if err := json.Unmarshal(rows[0].Sessions, &said); err != nil || len(said) != 1 || said[0][:6] != `\u2028` {
				t.Errorf("the report is %s, error %v", rows[0].Sessions, err)
			}
		})
	}
}
