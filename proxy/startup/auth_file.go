package startup

import (
	"fmt"
	"os"
	"strings"
)

// authFile holds the SCRAM secrets of an auth file by user. It implements Credentials and is immutable.
type authFile map[string]string

// Secret implements Credentials.
func (f authFile) Secret(user string) (string, bool) {
	secret, ok := f[user]
	return secret, ok
}

// LoadAuthFile reads a file of users and their SCRAM secrets, as pg_authid has them, one a line and both in double
// quotes, in which a double quote is written twice:
//
//	"app" "SCRAM-SHA-256$4096:c2FsdA==$StoredKey:ServerKey"
//
// Lines that are empty or begin with # or ; are comments. An error names the file and line, and never the secret.
func LoadAuthFile(path string) (Credentials, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the auth file cannot be read: %w", err)
	}
	secrets := make(authFile)
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		user, secret, err := parseAuthLine(line)
		if err == nil && secrets[user] != "" {
			err = fmt.Errorf("user %q has a secret already", user)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
		secrets[user] = secret
	}
	return secrets, nil
}

// parseAuthLine reads one line that is no comment.
func parseAuthLine(line string) (user, secret string, err error) {
	user, rest, ok := unquote(line)
	if ok {
		secret, rest, ok = unquote(strings.TrimLeft(rest, " \t"))
	}
	if !ok || strings.TrimSpace(rest) != "" {
		return "", "", fmt.Errorf(`it is not of the form "user" "SCRAM-SHA-256$…"`)
	}
	if _, err := parseScramSecret(secret); err != nil {
		return "", "", fmt.Errorf("user %q: %w; take rolpassword from pg_authid", user, err)
	}
	return user, secret, nil
}

// unquote reads a string in double quotes at the start of line.
func unquote(line string) (value, rest string, ok bool) {
	if line == "" || line[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			b.WriteByte(line[i])
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), line[i+1:], true
	}
	return "", "", false
}
