package startup

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
)

// FuzzTheVersionInAStartupPacketIsFound has a client choose a version behind any other options and parameters that end
// before it: it must be found, whatever stands there.
func FuzzTheVersionInAStartupPacketIsFound(f *testing.F) {
	f.Add("-c search_path=a", "application_name", "app", "m1")
	f.Add(`-W\ 3 --work-mem=1 -tpa -B`, "Segue.Version", "", `m\ 2`)
	f.Add("-", "replication", "on", "")
	f.Fuzz(func(t *testing.T, options, name, value, version string) {
		if strings.ContainsRune(options+name+value+version, 0) || name == "" {
			return
		}
		parse := func(params ...wire.Parameter) Request {
			raw := wire.AppendStartup(nil, 3<<16, params)
			s, err := parseRequest(wire.StartupPacket{Code: 3 << 16, Body: raw[8:], Raw: raw})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		parse(wire.Parameter{Name: name, Value: value}, wire.Parameter{Name: "options", Value: options})
		chosen := wire.Parameter{Name: versionSetting, Value: version}
		if s := parse(wire.Parameter{Name: name, Value: value}, chosen); s.Version != version {
			t.Errorf("the version is %q, want %q", s.Version, version)
		}
		escaped := strings.NewReplacer(`\`, `\\`, " ", `\ `, "\t", "\\\t", "\n", "\\\n", "\v", "\\\v", "\f", "\\\f", "\r", "\\\r").Replace(version)
		s := parse(wire.Parameter{Name: "options", Value: "-c search_path=x -c " + versionSetting + "=" + escaped})
		if s.Version != version {
			t.Errorf("the version in the options is %q, want %q", s.Version, version)
		}
	})
}
