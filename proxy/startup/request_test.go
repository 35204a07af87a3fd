package startup

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
)

func TestTheVersionIsFoundInTheOptionsAsTheServerSplitsThem(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		"":                                     "",
		"-c segue.version=new":                 "new",
		"-csegue.version=new":                  "new",
		"--segue.version=new":                  "new",
		"-c Segue.Version=new":                 "new",
		"  -c\tsegue.version=new  -c geqo=off": "new",
		"-c segue.version=old --segue.version=b2": "b2",
		`-c segue.version=a\ b`:                   "a b",
		`-c segue.version=a\\b`:                   `a\b`,
		`-c\ segue.version=a`:                     "",
		"-e -c segue.version=new":                 "new",
		"-ec segue.version=new":                   "new",
		"-S 4096 -c segue.version=new":            "new",
		"-S -c segue.version=new":                 "",
		"-- -c segue.version=new":                 "",
		"-c segue.versions=new":                   "",
		"-c segue.version":                        "",
		"-c":                                      "",
		"-":                                       "",
		`\`:                                       "",
	} {
		if got := optionsVersion(options); got != want {
			t.Errorf("%q: got %q, want %q", options, got, want)
		}
	}
}

func TestAStartupPacketIsReadAsTheServerReadsIt(t *testing.T) {
	t.Parallel()
	long := "a123456789b123456789c123456789d123456789e123456789f123456789g123456789"
	for name, c := range map[string]struct {
		params []wire.Parameter
		want   Request
	}{
		"the database is the user's by default": {
			[]wire.Parameter{{Name: "user", Value: "u"}},
			Request{User: "u", Database: "u"},
		},
		"the last of several counts": {
			[]wire.Parameter{{Name: "user", Value: "u"}, {Name: "database", Value: "a"}, {Name: "database", Value: "b"}},
			Request{User: "u", Database: "b"},
		},
		"long names are cut": {
			[]wire.Parameter{{Name: "user", Value: long}},
			Request{User: long[:63], Database: long[:63]},
		},
		"a parameter wins over the options": {
			[]wire.Parameter{{Name: "user", Value: "u"}, {Name: "Segue.version", Value: "p"}, {Name: "options", Value: "-c segue.version=o"}},
			Request{User: "u", Database: "u", Version: "p"},
		},
		"settings are known in any case, user and database are not": {
			[]wire.Parameter{{Name: "user", Value: "u"}, {Name: "Database", Value: "x"}, {Name: "Application_Name", Value: "app"}},
			Request{User: "u", Database: "u", Application: "app"},
		},
		"a walsender of a database": {
			[]wire.Parameter{{Name: "user", Value: "u"}, {Name: "replication", Value: "database"}},
			Request{User: "u", Database: "u", Replication: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := wire.AppendStartup(nil, 3<<16, c.params)
			got, err := parseRequest(wire.StartupPacket{Code: 3 << 16, Body: raw[8:], Raw: raw})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReplicationIsABooleanOrDatabase(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"true": true, "on": true, "yes": true, "1": true, "database": true, "TRUE": true, "t": true, "ye": true,
		"false": false, "off": false, "no": false, "0": false, "": false, "o": false, "trues": false, "Database": false,
	} {
		if got := wantsWalsender(value); got != want {
			t.Errorf("%q: got %v", value, got)
		}
	}
}
