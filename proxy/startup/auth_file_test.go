package startup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAuthFileHoldsSecretsByUser(t *testing.T) {
	t.Parallel()
	secret := makeSecret("secret", []byte("salt"), 4096)
	c := authFileOf(t, "# comment", "", "; comment", `"app" "`+secret+`"`, "\t"+`"Say ""hi"""`+"\t"+`"`+secret+`"  `)
	for user, want := range map[string]bool{"app": true, `Say "hi"`: true, "other": false, "": false} {
		if got, ok := c.Secret(user); ok != want || ok && got != secret {
			t.Errorf("%q: %q, %v", user, got, ok)
		}
	}
}

func TestAMistakeInAnAuthFileIsNamedWithItsLineAndWithoutTheSecret(t *testing.T) {
	t.Parallel()
	secret := makeSecret("secret", []byte("salt"), 4096)
	for name, c := range map[string]struct{ line, want string }{
		"no quotes":             {`app ` + secret, "not of the form"},
		"one field":             {`"app"`, "not of the form"},
		"an open quote":         {`"app" "` + secret, "not of the form"},
		"a third field":         {`"app" "` + secret + `" x`, "not of the form"},
		"an MD5 hash":           {`"app" "md5abcdef"`, "no SCRAM-SHA-256 secret"},
		"a plain password":      {`"app" "hunter2"`, "no SCRAM-SHA-256 secret"},
		"a secret cut off":      {`"app" "` + secret[:60] + `"`, "SCRAM-SHA-256 secret"},
		"iterations of nothing": {`"app" "` + strings.Replace(secret, "$4096:", "$0:", 1) + `"`, "damaged"},
		"the user twice":        {`"first" "` + secret + `"`, "has a secret already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "users")
			if err := os.WriteFile(path, []byte(`"first" "`+secret+"\"\n"+c.line), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := LoadAuthFile(path)
			if err == nil || !strings.Contains(err.Error(), path+":2: ") || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			for _, private := range []string{"hunter2", "abcdef", secret[20:40]} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("the error repeats the secret: %v", err)
				}
			}
		})
	}
	if _, err := LoadAuthFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is no error")
	}
}
