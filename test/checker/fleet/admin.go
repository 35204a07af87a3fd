package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/seguedb/segue/admin"
)

// call asks the admin API of an instance, over a connection of its own.
func (i *instance) call(ctx context.Context, method, path string, body []byte) (code int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+i.admin+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// do is call for what changes something. The error is an *admin.Problem where the instance has answered.
func (i *instance) do(ctx context.Context, method, path string, body []byte) error {
	code, answer, err := i.call(ctx, method, path, body)
	if err != nil || code < 300 {
		return err
	}
	refused := &admin.Problem{Status: code}
	if err := json.Unmarshal(answer, refused); err != nil {
		return fmt.Errorf("instance %s answers %d, %s: %w", i.id, code, answer, err)
	}
	return refused
}
