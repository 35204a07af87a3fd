package admin

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
)

// openAPIFile is the description of the API, with a placeholder where a registry says what can be there.
//
//go:embed openapi.json
var openAPIFile []byte

// openAPI is the description that is served.
var openAPI = filled(filled(openAPIFile, `["(kinds of operations)"]`, rules.OperationKinds()), `["(groups of hazards)"]`, assess.Groups())

// filled is the description with a list in the place of its placeholder.
func filled[T ~string](file []byte, placeholder string, list []T) []byte {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // no list of strings fails
	}
	return bytes.Replace(file, []byte(placeholder), text, 1)
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
	return nil
}
