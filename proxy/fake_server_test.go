package proxy

import (
	"testing"

	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wiretest"
)

// fakeServer is an upstream that does what serve says with each connection.
func fakeServer(t *testing.T, serve func(*wiretest.Client)) startup.Upstream {
	t.Helper()
	return startup.Upstream{Network: "tcp", Address: wiretest.Serve(t, serve), SSLMode: "disable", Database: "d"}
}
