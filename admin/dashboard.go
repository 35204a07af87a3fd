package admin

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
)

//go:embed dashboard.html
var dashboard []byte

// dashboardPolicy lets the page run its own script and style and nothing else, and talk to this server only.
var dashboardPolicy = fmt.Sprintf(
	"default-src 'none'; script-src '%s'; style-src '%s'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	inlineHash("script"), inlineHash("style"))

// inlineHash is the hash of the page's one element of that name, as Content-Security-Policy wants it.
func inlineHash(element string) string {
	_, rest, _ := bytes.Cut(dashboard, []byte("<"+element+">"))
	content, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// serveDashboard sends the page, which is empty until it has read the API with the token that its user gives.
func (s *Server) serveDashboard(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", dashboardPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(dashboard)
	return nil
}
