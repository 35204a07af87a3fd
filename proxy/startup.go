package proxy

import (
	"strings"

	"github.com/seguedb/segue/proxy/wire"
)

// A startup is what a client asked for in its start-up packet.
type startup struct {
	protocol    uint32           // major version in the upper 16 bits
	params      []wire.Parameter // all of them, in order
	user        string
	database    string // user when not given
	application string
	options     string
	version     string // of the schema, by parameter or options; "" when not given
	replication bool   // a walsender is asked for
	raw         []byte // the packet, as the server is to get it
}

// nameLimit is NAMEDATALEN - 1: the server cuts longer user and database names in the packet to this many bytes.
const nameLimit = 63

// parseStartup reads a start-up packet as ProcessStartupPacket does. The server judges it again, so what is not needed
// here is not checked: unknown minor versions and _pq_ options are its to answer.
func parseStartup(p wire.StartupPacket) (startup, error) {
	if major := p.Code >> 16; major != 3 {
		return startup{}, fatal("0A000", "unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", major, p.Code&0xffff)
	}
	params, err := wire.DecodeParameters(p.Body)
	if err != nil {
		return startup{}, err
	}
	s := startup{protocol: p.Code, params: params, raw: p.Raw}
	var version string
	for _, param := range params {
		switch param.Name { // the last one counts, and these names are compared with strcmp
		case "user":
			s.user = cut(param.Value)
		case "database":
			s.database = cut(param.Value)
		case "options":
			s.options = param.Value
		case "replication":
			s.replication = wantsWalsender(param.Value)
		default:
			switch strings.ToLower(param.Name) { // settings: guc_name_compare
			case "application_name":
				s.application = param.Value
			case versionSetting:
				version = param.Value
			}
		}
	}
	if s.database == "" {
		s.database = s.user
	}
	s.version = version // process_startup_options applies the parameters after the options
	if version == "" {
		s.version = optionsVersion(s.options)
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
