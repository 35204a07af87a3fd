package assess

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsOfAFunctionBody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		foreign    bool // in a language without SQL's comments
		want       []string
	}{
		{name: "plain words are folded", body: "SELECT Last_Name FROM t1", want: []string{"select", "last_name", "from", "t1"}},
		{name: "quoted words are kept", body: `SELECT "Qty", "a""b"`, want: []string{"select", "Qty", `a"b`}},
		{name: "a part of a word is not the word", body: "my_last_name last_name2", want: []string{"my_last_name", "last_name2"}},
		{name: "a field of a record", body: "NEW.last_name:=1", want: []string{"new", "last_name"}},
		{name: "strings count, they may be run", body: "EXECUTE 'SELECT last_name'", want: []string{"execute", "select", "last_name"}},
		{name: "quoted words in strings", body: `EXECUTE 'SELECT "Qty"'`, want: []string{"execute", "select", "Qty", "qty"}},
		{name: "line comments are passed over", body: "a -- last_name\nb", want: []string{"a", "b"}},
		{name: "block comments nest", body: "a /* x /* y */ z */ b", want: []string{"a", "b"}},
		{name: "a comment without an end", body: "a /* x", want: []string{"a"}},
		{name: "dashes in a string make no comment", body: "x := '--' || last_name", want: []string{"x", "last_name"}},
		{name: "an apostrophe in a comment opens no string", body: "-- it's\na -- b\nc", want: []string{"a", "c"}},
		{name: "other languages have other comments", body: "i-- + last_name", foreign: true, want: []string{"i", "last_name"}},
		{name: "a quoted word without an end", body: `"abc`, want: []string{"abc"}},
		{name: "letters beyond ASCII are not folded", body: "Straße", want: []string{"straße"}},
		{name: "an escaped quote does not end a string", body: `E'\' -- last_name'`, want: []string{"e", "last_name"}},
		{name: "a backslash at the end", body: `'\`, want: nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			words(tc.body, !tc.foreign, func(w string) bool { got = append(got, w); return true })
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzWordsEnd(f *testing.F) {
	f.Add(`SELECT "a' /* -- '\`)
	f.Fuzz(func(t *testing.T, body string) {
		words(body, true, func(w string) bool {
			if w == "" {
				t.Error("an empty word")
			}
			return true
		})
	})
}
