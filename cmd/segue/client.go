package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/seguedb/segue/admin"
)

// A client talks to the admin API of one instance.
type client struct {
	base  *url.URL
	token string
	actor string
}

// client makes one from the flags; nothing is sent yet.
func (o *options) client() (*client, error) {
	base, err := adminURL(o.admin)
	if err != nil {
		return nil, err
	}
	c := &client{base: base, actor: whoami()}
	if o.tokenFile != "" {
		if c.token, err = readToken(o.tokenFile); err != nil {
			return nil, usageError(err)
		}
	}
	return c, nil
}

// adminURL reads the address of an admin API: a URL, or only its host and port.
func adminURL(text string) (*url.URL, error) {
	address := text
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, mistake(fmt.Sprintf("--admin cannot be %q", text), "give host:port, or a URL such as http://127.0.0.1:8432")
	}
	return base, nil
}

// readToken reads a token file; the token ends with the line.
func readToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the admin token cannot be read: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("the admin token file %s is empty", path)
	}
	return token, nil
}

// whoami names the user for the audit.
func whoami() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// get reads what is at the path, below the API's URL, into out.
func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.do(ctx, http.MethodGet, path, query, nil, out)
	return err
}

// post sends v as JSON.
func (c *client) post(ctx context.Context, path string, v, out any) (status int, err error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	return c.do(ctx, http.MethodPost, path, nil, body, out)
}

// do returns the status of an answer below 400; any other is an *admin.Problem. A []byte body that is not JSON has no
// declared type, as rule files have none.
func (c *client) do(ctx context.Context, method, path string, query url.Values, body []byte, out any) (int, error) {
	// JoinPath cleans the path, so that the parts of it must come escaped.
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set(admin.ActorHeader, c.actor)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return 0, &admin.Problem{
			Type: admin.TypeUnreachable, Title: "Unreachable", Status: http.StatusServiceUnavailable,
			Detail: fmt.Sprintf("the admin API at %s does not answer: %v", c.base, err),
			Hint:   "is segue serve running? --admin or SEGUE_ADMIN says where",
		}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, fmt.Errorf("the answer of %s was cut off: %w", c.base, err)
	}
	if res.StatusCode >= 400 {
		return res.StatusCode, problemIn(res, data)
	}
	if out == nil || len(data) == 0 {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return 0, fmt.Errorf("%s does not answer as a segue admin API does: %w", c.base, err)
	}
	return res.StatusCode, nil
}

// problemIn is the problem document of an answer, or one made from whatever else answered there.
func problemIn(res *http.Response, data []byte) error {
	p := &admin.Problem{}
	if json.Unmarshal(data, p) != nil || p.Status == 0 {
		return &admin.Problem{Type: "about:blank", Status: res.StatusCode, Title: res.Status, Detail: "the server answered " + res.Status}
	}
	return p
}

// migrationPath is the address of a migration, or of something of it.
func migrationPath(id string, rest ...string) string {
	return strings.Join(append([]string{"/v1/migrations", url.PathEscape(id)}, rest...), "/")
}
