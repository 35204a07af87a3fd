package admin

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/seguedb/segue/migrate"
)

// Migrations is the answer of GET /v1/migrations, in order of creation.
type Migrations struct {
	Migrations []migrate.Status `json:"migrations"`
}

func (s *Server) listMigrations(w http.ResponseWriter, r *http.Request) error {
	all, err := s.cfg.Control.List(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Migrations{Migrations: list(all)})
}

// createMigration takes the rule file itself as body, YAML or JSON: 201 when it is new, 200 when the same is stored.
func (s *Server) createMigration(w http.ResponseWriter, r *http.Request) error {
	file, body, err := ruleFile(w, r)
	if err != nil {
		return err
	}
	st, created, err := s.cfg.Control.Create(r.Context(), file, body, actor(r))
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/migrations/"+url.PathEscape(st.ID))
	if created {
		return reply(w, http.StatusCreated, st)
	}
	return reply(w, http.StatusOK, st)
}

// ruleFile reads a rule file from the body, with the name under which mistakes in it are shown.
func ruleFile(w http.ResponseWriter, r *http.Request) (name string, body []byte, err error) {
	body, err = readBody(w, r, maxRuleFile)
	return cmp.Or(r.URL.Query().Get("file"), "request body"), body, err
}

func (s *Server) getMigration(w http.ResponseWriter, r *http.Request) error {
	st, err := s.cfg.Control.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, st)
}

func (s *Server) deleteMigration(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.Control.Delete(r.Context(), r.PathValue("id"), actor(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Cancelled is the answer of DELETE /v1/migrations/{id}/transition.
type Cancelled struct {
	Cancelled migrate.Kind    `json:"cancelled"` // the transition that is not tried any more
	Migration *migrate.Status `json:"migration"`
}

// cancelTransition withdraws what is pending, and never does anything else.
func (s *Server) cancelTransition(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	kind, err := s.cfg.Control.Cancel(r.Context(), id, actor(r))
	if err != nil {
		return err
	}
	st, err := s.cfg.Control.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Cancelled{Cancelled: kind, Migration: st})
}

// ActorHeader names who asks, for the audit; the segue command sends the user's name.
const ActorHeader = "Segue-Actor"

// maxActor bounds what a client can put into each line of the audit, in bytes.
const maxActor = 200

func actor(r *http.Request) string {
	name := r.Header.Get(ActorHeader)
	if name == "" {
		name = "admin API at " + r.RemoteAddr
	}
	return name[:min(len(name), maxActor)]
}

// list makes sure that no list is encoded as null.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}
