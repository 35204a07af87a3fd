package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses what must not reach a handler: requests for another host, from another site, or without the token.
func (s *Server) guard(next http.Handler) http.Handler {
	sites := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if s.cfg.Token == "" && !loopbackHost(r.Host) {
			s.fail(w, r, &Problem{
				Status: http.StatusForbidden, Title: "Wrong host",
				Detail: "this API is open to the local machine only, and was asked for under the name " + r.Host,
				Hint:   "use http://127.0.0.1 or http://localhost, or configure --admin-token-file",
			})
			return
		}
		if err := foreign(sites, r); err != nil {
			s.fail(w, r, &Problem{
				Status: http.StatusForbidden, Title: "Cross-origin request",
				Detail: "a web page of another site sent this request",
				Hint:   "use the dashboard, the segue command, or any client that is not a browser",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign is the error of a request that a web page of another site has sent. Reads are refused as well, because they hold
// connections and event streams, but for probes and the two pages that tell nothing, which others may link to.
func foreign(sites *http.CrossOriginProtection, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return sites.Check(r)
	}
	if isProbe(r.URL.Path) || r.URL.Path == "/" || r.URL.Path == "/openapi.json" {
		return nil
	}
	strict := *r
	strict.Method = http.MethodPost
	return sites.Check(&strict)
}

// authorized tells whether the request carries the token, where one is configured. Both sides are hashed first, so
// that the time says nothing about the token, its length included.
func (s *Server) authorized(r *http.Request) bool {
	if s.cfg.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.cfg.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// loopbackHost tells whether a Host header names this machine by a name that no foreign DNS server answers for.
func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
