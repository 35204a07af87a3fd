package wire

// Kinds of Authentication messages.
const (
	AuthOK           = 0
	AuthCleartext    = 3
	AuthMD5          = 5
	AuthGSS          = 7
	AuthGSSContinue  = 8
	AuthSSPI         = 9
	AuthSASL         = 10
	AuthSASLContinue = 11
	AuthSASLFinal    = 12
)

// DecodeAuthentication returns the kind of an Authentication message and what follows it.
func DecodeAuthentication(body []byte) (kind uint32, data []byte, err error) {
	c := cursor{b: body}
	kind = c.uint32()
	return kind, c.b, c.err
}

// DecodeSASL returns the mechanisms that an AuthenticationSASL offers; data is what follows the kind.
func DecodeSASL(data []byte) ([]string, error) {
	c := cursor{b: data}
	var mechanisms []string
	for {
		name := c.string()
		if len(name) == 0 {
			return mechanisms, c.end()
		}
		mechanisms = append(mechanisms, string(name))
	}
}
