package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Limits of bodies, in bytes.
const (
	maxRuleFile = 1 << 20
	maxSQL      = 1 << 20
	maxOptions  = 64 << 10
)

// readBody reads a body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooBig *http.MaxBytesError
	switch refused, ok := errors.AsType[*Problem](err); {
	case ok:
		return nil, refused
	case errors.As(err, &tooBig):
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("the body is over %d bytes", limit),
		}
	case err != nil:
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "the body could not be read: " + err.Error()}
	}
	return body, nil
}

// readJSON decodes a body into the struct that v points to. An empty body leaves it as it is; an unknown key, a
// second value or another media type is a problem.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := readBody(w, r, limit)
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return err
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		media, _, err := mime.ParseMediaType(t)
		if err != nil || media != "application/json" {
			return &Problem{
				Status: http.StatusUnsupportedMediaType, Detail: "the body is declared as " + t,
				Hint: "send application/json",
			}
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return &Problem{
			Status: http.StatusBadRequest,
			Detail: "the body is not as expected: " + strings.TrimPrefix(err.Error(), "json: "),
			Hint:   "the keys are " + strings.Join(jsonKeys(v), ", "),
		}
	}
	if dec.More() {
		return &Problem{Status: http.StatusBadRequest, Detail: "the body holds more than one JSON value"}
	}
	return nil
}

// jsonKeys lists the keys of the struct that v points to.
func jsonKeys(v any) []string {
	var keys []string
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); t.Field(i).IsExported() {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkQuery refuses query parameters that the route does not know, and repeated ones.
func checkQuery(r *http.Request, known []string) error {
	for key, values := range r.URL.Query() {
		hint := "this address takes no query parameters"
		if len(known) > 0 {
			hint = "it takes " + strings.Join(known, ", ")
		}
		if !slices.Contains(known, key) {
			return &Problem{
				Status: http.StatusBadRequest, Detail: fmt.Sprintf("unknown query parameter %q", key), Hint: hint,
			}
		}
		if len(values) > 1 {
			return &Problem{
				Status: http.StatusBadRequest, Detail: fmt.Sprintf("query parameter %q is given more than once", key),
			}
		}
	}
	return nil
}
