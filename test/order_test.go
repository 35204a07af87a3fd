package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// sqlState is the SQLSTATE of an error, or "" when it has none.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// api sends a request to the admin API of the first instance and returns the status and the decoded answer.
func (f *fleet) api(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.instances[0].AdminURL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{}
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return resp.StatusCode, answer
}

func TestAdminCallsOutOfOrderAreAnsweredWithWhatIsAllowedNow(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	for _, step := range []struct {
		method, path, body string
		status             int
		says               string // in the answer
	}{
		{"POST", "/v1/migrations/surname/activate", "", 404, "surname"},
		{"GET", "/v1/migrations/surname", "", 404, "surname"},
		{"POST", "/v1/migrations", strings.Replace(surname, "last_name", "lastname", 1), 422, "last_name"},
		{"POST", "/v1/migrations", "id: x\noperation: []\n", 422, "operations"},
		{"POST", "/v1/migrations", surname, 201, "draft"},
		{"POST", "/v1/migrations", surname, 200, "draft"},
		{"POST", "/v1/migrations", strings.Replace(surname, "person", "human", 1), 409, "surname"},
		{"POST", "/v1/migrations/surname/cutover?wait=60s", "", 409, "activate"},
		{"POST", "/v1/migrations/surname/contract?wait=60s", "", 409, "activate"},
		{"POST", "/v1/migrations/surname/rollback?wait=60s&to=active", "", 409, "activate"},
		{"POST", "/v1/migrations/surname/activate?wait=60s", "", 200, "active"},
		{"POST", "/v1/migrations/surname/activate?wait=60s", "", 200, "active"},
		{"POST", "/v1/migrations/surname/contract?wait=60s", "", 409, "cutover"},
		{"DELETE", "/v1/migrations/surname", "", 409, "rollback"},
		{"POST", "/v1/migrations/surname/cutover?wait=60s", "", 200, "cutover"},
		{"POST", "/v1/migrations/surname/cutover?wait=60s", "", 200, "cutover"},
		{"POST", "/v1/migrations/surname/activate?wait=60s", "", 409, "rollback"},
		{"POST", "/v1/migrations/surname/contract?wait=60s", "", 200, "contracted"},
		{"POST", "/v1/migrations/surname/rollback?wait=60s", "", 409, "contracted"},
	} {
		status, answer := f.api(t, step.method, step.path, step.body)
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if status != step.status || !strings.Contains(string(text), step.says) {
			t.Errorf("%s %s: %d, want %d and %q in %s", step.method, step.path, status, step.status, step.says, text)
		}
		if _, problem := answer["title"]; status >= 400 && !problem {
			t.Errorf("%s %s: the error is no problem details: %s", step.method, step.path, text)
		}
	}
}
