package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/seguedb/segue/migrate"
)

// writeBlockers says who is in the way, and how to end it. Who waits for one of them is counted and not named: it goes on by
// itself.
func writeBlockers(w io.Writer, blockers []migrate.Blocker) {
	for _, b := range blockers {
		if len(b.WaitsFor) > 0 {
			continue
		}
		fmt.Fprintf(w, "  blocked by %s\n", blocker(b))
		if detail := blockerDetail(b); detail != "" {
			fmt.Fprintf(w, "    %s\n", detail)
		}
		if b.End != "" {
			fmt.Fprintf(w, "    to end it: %s;%s\n", b.End, prepared(b))
		}
		switch {
		case b.Waiting == 1:
			fmt.Fprintf(w, "    1 more session waits for it\n")
		case b.Waiting > 1:
			fmt.Fprintf(w, "    %d more sessions wait for it\n", b.Waiting)
		}
	}
}

// blocker is who is in the way and why.
func blocker(b migrate.Blocker) string {
	text := b.Why
	if text == "" {
		text = fmt.Sprintf("pid %d (user %s, application_name %q)", b.PID, b.User, b.Application)
	}
	switch {
	case b.Instance != "":
		text += ", through instance " + b.Instance
	case b.Direct:
		text += ", direct (not through Segue)"
	}
	return text
}

// blockerDetail is since when it is open, and with which statement.
func blockerDetail(b migrate.Blocker) string {
	var parts []string
	if !b.Since.IsZero() {
		parts = append(parts, "open since "+when(b.Since))
	}
	if b.State != "" {
		parts = append(parts, b.State)
	}
	text := strings.Join(parts, ", ")
	if b.Query == "" || b.PID == 0 { // the statement of a prepared transaction is its name
		return text
	}
	return strings.TrimPrefix(text+": "+oneLine(b.Query), ": ")
}

// prepared is what else ends a prepared transaction.
func prepared(b migrate.Blocker) string {
	if strings.HasPrefix(b.End, "ROLLBACK PREPARED") {
		return "   (or COMMIT PREPARED, if whoever prepared it has decided so)"
	}
	return ""
}
