package admin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// RewriteRequest is the body of POST /v1/rewrite.
type RewriteRequest struct {
	SQL        string   `json:"sql"`
	Version    string   `json:"version,omitempty"`     // "": as an unpinned session
	SearchPath []string `json:"search_path,omitempty"` // default: public
}

// RewriteResult says what the proxy would send for a text, and why. Nothing is sent.
type RewriteResult struct {
	Version    string               `json:"version"` // the version that the text was bound in
	Before     string               `json:"before"`
	After      string               `json:"after"` // statements that are refused are replaced by one that the server rejects; "" where the text was given up
	Changed    bool                 `json:"changed"`
	Ambiguous  bool                 `json:"ambiguous,omitempty"` // unpinned, and several versions bind it differently
	Note       string               `json:"note,omitempty"`      // why nothing was looked at or what could not be known
	Edits      []RewriteEdit        `json:"edits,omitempty"`
	Statements []RewrittenStatement `json:"statements"`
}

// RewriteEdit replaces the bytes from start to end of before.
type RewriteEdit struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	New   string `json:"new"`
}

// RewrittenStatement is one statement of the text.
type RewrittenStatement struct {
	Kind    string          `json:"kind"`             // the parser's name of the statement: SelectStmt, InsertStmt, …
	After   string          `json:"after,omitempty"`  // what is sent; "" for a statement that fails
	Labels  []string        `json:"labels,omitempty"` // of the result's columns, as the client sees them
	Why     []string        `json:"why"`              // what each logical name means physically
	Failure *RewriteFailure `json:"failure,omitempty"`
}

// RewriteFailure is the error that a client would get.
type RewriteFailure struct {
	Code      string `json:"code"` // SQLSTATE
	Message   string `json:"message"`
	Detail    string `json:"detail,omitempty"`
	Hint      string `json:"hint,omitempty"`
	Position  int    `json:"position,omitempty"` // in characters of before, from 1
	Construct string `json:"construct,omitempty"`
}

func (s *Server) rewrite(w http.ResponseWriter, r *http.Request) error {
	var in RewriteRequest
	if err := readJSON(w, r, maxSQL, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.SQL) == "" {
		return &Problem{Status: http.StatusBadRequest, Detail: "sql is empty", Hint: "the keys are sql, version, search_path"}
	}
	snap := s.cfg.Control.Snapshot()
	if err := served(snap, in.Version); err != nil {
		return err
	}
	out := RewriteResult{Version: in.Version, Before: in.SQL, After: in.SQL, Statements: []RewrittenStatement{}}
	if snap == nil || !snap.Live() {
		out.Note = "no migration is live: every text is forwarded byte for byte"
		return reply(w, http.StatusOK, out)
	}
	b := s.preview.of(snap, s.cfg.Rewrite)
	if b.Match([]byte(in.SQL), false) != prefilter.Names {
		out.Note = "it names nothing under migration: it is forwarded byte for byte, and not read; whether it is SQL, the server says"
		return reply(w, http.StatusOK, out)
	}
	release, err := s.preview.turn(r.Context(), len(in.SQL))
	if err != nil {
		return err
	}
	defer release()
	work := beginPreview(r.Context(), s.cfg.Rewrite)
	defer work.end()
	sess := s.session(in)
	sess.Work = work
	after, unknown, err := out.preview(b, sess, in.SQL, place{})
	if err != nil {
		return err
	}
	if work.why != nil { // what was bound of it before that does not count
		return reply(w, http.StatusOK, RewriteResult{
			Version: in.Version, Before: in.SQL, Statements: []RewrittenStatement{{Why: []string{}, Failure: failureOf(work.why)}},
		})
	}
	if len(unknown) > 0 {
		out.Note = "not found in the database, and taken as missing: " + strings.Join(unknown, ", ")
	}
	out.After = after
	return reply(w, http.StatusOK, out)
}

// A place is where a piece begins in the text that it is part of.
type place struct{ bytes, chars int }

// preview binds a text, or its pieces one after the other, all by the names as they are now. It returns what is sent, and
// the relations that are taken as missing.
func (out *RewriteResult) preview(b *rewrite.Binder, sess *rewrite.Session, sql string, in place) (after string, unknown []string, err error) {
	text, unknown, err := bindAlone(b, sess, sql)
	if err != nil {
		return "", nil, err
	}
	if text.Pieces == nil {
		describe(out, text, b.Snapshot(), in)
		return text.SQL, unknown, nil
	}
	out.Note = "it is sent in pieces, each bound by the names as those before it leave them; here all are bound by the names as they are now"
	var sent strings.Builder
	end := 0
	for _, p := range text.Pieces {
		piece, more, err := out.preview(b, sess, sql[p.Start:p.End], place{in.bytes + p.Start, in.chars + p.Chars})
		if err != nil {
			return "", nil, err
		}
		sent.WriteString(sql[end:p.Start])
		sent.WriteString(piece)
		unknown, end = append(unknown, more...), p.End
		if sess.Work.Stopped() != nil {
			break
		}
	}
	sent.WriteString(sql[end:])
	return sent.String(), unknown, nil
}

// isServed tells whether sessions may be of the version now.
func isServed(snap *rules.Snapshot, version string) bool {
	if version == rules.Base {
		return true
	}
	return snap != nil && (snap.Lens(version) != nil || snap.Aliases[version] != "")
}

// served refuses a version that no client could ask for.
func served(snap *rules.Snapshot, version string) error {
	if version == "" || isServed(snap, version) {
		return nil
	}
	known := []string{rules.Base}
	if snap != nil {
		known = snap.Versions()
	}
	return &Problem{
		Type: "urn:segue:problem:version-not-served", Title: "Version not served", Status: http.StatusUnprocessableEntity,
		Detail: fmt.Sprintf("version %q is not served", version), Hint: "served now: " + strings.Join(known, ", "),
	}
}

// session is the session that a preview stands for: one with default settings and no temporary table.
func (s *Server) session(in RewriteRequest) *rewrite.Session {
	path := in.SearchPath
	if len(path) == 0 {
		path = []string{"public"}
	}
	if !slices.Contains(path, "pg_catalog") {
		path = append([]string{"pg_catalog"}, path...)
	}
	return &rewrite.Session{
		Version: in.Version, Default: s.cfg.DefaultVersion, SearchPath: path,
		Overlay: map[rules.Name]*catalog.Relation{}, StandardStrings: true, Encoding: "UTF8",
	}
}

// bindAlone binds without a server to ask: relations that the catalog does not know are taken as missing, and named.
func bindAlone(b *rewrite.Binder, sess *rewrite.Session, sql string) (*rewrite.Text, []string, error) {
	var unknown []string
	for {
		text, err := b.Rewrite(sess, sql)
		var need *rewrite.NeedRelation
		if !errors.As(err, &need) {
			return text, unknown, err
		}
		overlay := make(map[rules.Name]*catalog.Relation, len(sess.Overlay)+len(need.Names))
		for n, rel := range sess.Overlay {
			overlay[n] = rel
		}
		for _, n := range need.Names {
			if _, asked := overlay[n]; asked {
				return nil, nil, fmt.Errorf("the rewriter asks again for %s, which is a bug", n.Name)
			}
			overlay[n] = lookup(b.Snapshot().Catalog, n, sess.SearchPath)
			if overlay[n] == nil {
				unknown = append(unknown, n.Name)
			}
		}
		// A new session, because what binding found may be cached for the old one.
		next := *sess
		next.Overlay = overlay
		next.Answers = make(map[string]string, len(sess.Answers)+len(need.Questions))
		maps.Copy(next.Answers, sess.Answers)
		for _, question := range need.Questions {
			next.Answers[question] = "" // what is printed of definitions stays as it is
		}
		sess = &next
	}
}

func lookup(c *catalog.Catalog, n rules.Name, path []string) *catalog.Relation {
	if n.Schema != "" {
		return c.Lookup(n.Schema, n.Name)
	}
	for _, schema := range path {
		if rel := c.Lookup(schema, n.Name); rel != nil {
			return rel
		}
	}
	return nil
}
