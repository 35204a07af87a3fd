package admin

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/seguedb/segue/rules"
)

// openAPIFile is the description of the API, in which kindsOfOperations stands for what the registry of operations holds.
//
//go:embed openapi.json
var openAPIFile []byte

const kindsOfOperations = `["(kinds of operations)"]`

// openAPI is the description that is served.
var openAPI = describeOperations(openAPIFile, rules.OperationKinds())

func describeOperations(file []byte, kinds []string) []byte {
	list, err := json.Marshal(kinds)
	if err != nil {
		panic(err) // no list of strings fails
	}
	return bytes.Replace(file, []byte(kindsOfOperations), list, 1)
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
	return nil
}
