package startup

import (
	"strings"

	"github.com/seguedb/segue/proxy/wire"
)

// A Request is what a client asked for in its start-up packet.
type Request struct {
	User        string
	Database    string // User when not given
	Application string
	Version     string // of the schema, by parameter or options; "" when not given
	Replication bool   // a walsender is asked for
}

// nameLimit is NAMEDATALEN - 1: the server cuts longer user and database names in the packet to this many bytes.
const nameLimit = 63

// parseRequest reads a start-up packet as ProcessStartupPacket does. The server judges it again, so what is not needed
// here is not checked: unknown minor versions and _pq_ options are its to answer.
func parseRequest(p wire.StartupPacket) (Request, error) {
	if major := p.Code >> 16; major != 3 {
		return Request{}, wire.Fatal("0A000", "unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", major, p.Code&0xffff)
	}
	params, err := wire.DecodeParameters(p.Body)
	if err != nil {
		return Request{}, err
	}
	var s Request
	var version, options string
	for _, param := range params {
		switch param.Name { // the last one counts, and these names are compared with strcmp
		case "user":
			s.User = cut(param.Value)
		case "database":
			s.Database = cut(param.Value)
		case "options":
			options = param.Value
		case "replication":
			s.Replication = wantsWalsender(param.Value)
		default:
			switch strings.ToLower(param.Name) { // settings: guc_name_compare
			case "application_name":
				s.Application = param.Value
			case versionSetting:
				version = param.Value
			}
		}
	}
	if s.Database == "" {
		s.Database = s.User
	}
	s.Version = version // process_startup_options applies the parameters after the options
	if version == "" {
		s.Version = optionsVersion(options)
	}
	return s, nil
}

// cut shortens a name as the server does.
func cut(name string) string { return name[:min(len(name), nameLimit)] }

// wantsWalsender tells what a replication parameter asks for. What is no boolean is refused by the server.
func wantsWalsender(value string) bool {
	if value == "database" {
		return true
	}
	on, ok := parseBool(value)
	return on && ok
}

// parseBool mirrors parse_bool_with_len: any unique prefix of true, false, yes, no, on and off, and 1 and 0.
func parseBool(value string) (on, ok bool) {
	v := strings.ToLower(value)
	switch {
	case v == "":
		return false, false
	case v == "1", v == "on", strings.HasPrefix("true", v), strings.HasPrefix("yes", v):
		return true, true
	case v == "0", v == "of", v == "off", strings.HasPrefix("false", v), strings.HasPrefix("no", v):
		return false, true
	}
	return false, false
}
