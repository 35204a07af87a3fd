package admin

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
)

// A route is one operation of the API.
type route struct {
	method string
	path   string // as http.ServeMux and OpenAPI write it
	query  []string
	open   bool // needs no token: it tells nothing about the database
	handle func(http.ResponseWriter, *http.Request) error
}

// routes is the whole surface; openapi.json describes the same.
func (s *Server) routes(metrics http.Handler) []route {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	rs := []route{
		{method: get, path: "/v1/migrations", handle: s.listMigrations},
		{method: post, path: "/v1/migrations", query: []string{"file"}, handle: s.createMigration},
		{method: get, path: "/v1/migrations/{id}", handle: s.getMigration},
		{method: del, path: "/v1/migrations/{id}", handle: s.deleteMigration},
		{method: del, path: "/v1/migrations/{id}/transition", handle: s.cancelTransition},

		{method: get, path: "/v1/migrations/{id}/plan", handle: s.getPlan},
		{method: get, path: "/v1/migrations/{id}/assessment", handle: s.getAssessment},
		{method: get, path: "/v1/migrations/{id}/usage", handle: s.getUsage},
		{method: get, path: "/v1/migrations/{id}/transitions", handle: s.getTransitions},
		{method: get, path: "/v1/migrations/{id}/exit-sql", query: []string{"to"}, handle: s.getExitSQL},

		{method: post, path: "/v1/migrations/{id}/pause", handle: s.backfill(s.cfg.Control.Pause)},
		{method: post, path: "/v1/migrations/{id}/resume", handle: s.backfill(s.cfg.Control.Resume)},
		{method: post, path: "/v1/migrations/{id}/brakes", handle: s.brake},

		{method: post, path: "/v1/assessment", query: []string{"file"}, handle: s.assessFile},
		{method: post, path: "/v1/rewrite", handle: s.rewrite},
		{method: get, path: "/v1/status", handle: s.overview},
		{method: get, path: "/v1/instances", handle: s.listInstances},
		{method: get, path: "/v1/sessions", handle: s.listSessions},
		{method: get, path: "/v1/events", query: []string{"migration"}, handle: s.streamEvents},

		{method: get, path: "/metrics", handle: plain(metrics)},
		{method: get, path: "/openapi.json", open: true, handle: serveOpenAPI},
		{method: get, path: "/{$}", open: true, handle: s.serveDashboard},
	}
	for _, t := range transitions {
		rs = append(rs, route{
			method: post, path: "/v1/migrations/{id}/" + string(t.kind), query: t.options(), handle: s.transition(t),
		})
	}
	return append(rs, s.probes()...)
}

// probes are what says whether the instance lives and serves.
func (s *Server) probes() (rs []route) {
	for path, check := range map[string]func() error{
		"/healthz": alive, "/liveness": alive,
		"/readyz": s.health.readiness, "/readiness": s.health.readiness,
		"/startup": s.health.started,
	} {
		rs = append(rs, route{method: http.MethodGet, path: path, open: true, handle: s.probe(check)})
	}
	return rs
}

// isProbe tells whether a path is one of probes.
func isProbe(path string) bool {
	switch path {
	case "/healthz", "/liveness", "/readyz", "/readiness", "/startup":
		return true
	}
	return false
}

// openRoutes are those of ServeMetrics.
func (s *Server) openRoutes(metrics http.Handler) []route {
	return append(s.probes(), route{method: http.MethodGet, path: "/metrics", open: true, handle: plain(metrics)})
}

// mux routes, and answers what no route answers with problems: 404, and 405 with the methods that there are.
func (s *Server) mux(rs []route) *http.ServeMux {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, rt := range rs {
		mux.Handle(rt.method+" "+rt.path, s.wrap(rt))
		methods[rt.path] = append(methods[rt.path], rt.method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			s.fail(w, r, &Problem{
				Status: http.StatusMethodNotAllowed,
				Detail: fmt.Sprintf("%s cannot be had with %s", r.URL.Path, r.Method),
				Hint:   "use " + strings.Join(allowed, " or "),
			})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{
			Status: http.StatusNotFound, Detail: "there is nothing at " + r.URL.Path,
			Hint: "/openapi.json lists what there is",
		})
	})
	return mux
}

// wrap checks the token and the query, runs the handler, and answers with its error.
func (s *Server) wrap(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.fail(w, r, fmt.Errorf("this is a bug: %v", v))
			}
		}()
		if !rt.open && !s.authorized(r) {
			s.fail(w, r, errUnauthorized)
			return
		}
		if err := checkQuery(r, rt.query); err != nil {
			s.fail(w, r, err)
			return
		}
		if err := rt.handle(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

var errUnauthorized = &Problem{
	Status: http.StatusUnauthorized, Detail: "the token is missing or wrong",
	Hint:    "send Authorization: Bearer with the content of the instance's --admin-token-file",
	HintCLI: "give --admin-token-file FILE, or set SEGUE_ADMIN_TOKEN_FILE; it is the file of the instance",
}

func plain(h http.Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// addPprof serves the profiles. They are no part of the API that openapi.json promises.
func (s *Server) addPprof(mux *http.ServeMux) {
	for path, h := range map[string]http.HandlerFunc{
		"GET /debug/pprof/": pprof.Index, "GET /debug/pprof/cmdline": pprof.Cmdline,
		"GET /debug/pprof/profile": pprof.Profile, "GET /debug/pprof/symbol": pprof.Symbol,
		"GET /debug/pprof/trace": pprof.Trace,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if !s.authorized(r) {
				s.fail(w, r, errUnauthorized)
				return
			}
			_ = http.NewResponseController(w).SetWriteDeadline(farFuture()) // a profile takes as long as it is asked to
			h(w, r)
		})
	}
}
