package serve

import (
	"fmt"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/proxy/startup"
)

// What descriptors are kept for beside clients: the admin API, cancel requests, and the control connections, listeners, files and pipes of the
// instance itself.
const ownDescriptors = 64 + admin.MaxConnections + startup.CancelDescriptors

// Bounds of the number of clients that is chosen where none is configured.
const (
	mostConnections = 10000
	leastClients    = 8
)

// connectionLimit is the number of clients that the open files of the process suffice for: two for each, and two for each
// that has not authenticated. asked is the configured number, or 0. An error says that they do not suffice for it.
func connectionLimit(asked, unauthenticated int, openFiles uint64) (int, error) {
	most := 1 << 30
	if openFiles < 1<<31 {
		most = (int(openFiles) - ownDescriptors - 2*unauthenticated) / 2
	}
	if asked == 0 {
		asked = min(max(most, leastClients), mostConnections)
	}
	if asked > most {
		return 0, fmt.Errorf("%d clients need %d open files, and the limit of this process is %d: raise it (ulimit -n), or lower --max-connections or --max-unauthenticated",
			asked, 2*asked+2*unauthenticated+ownDescriptors, openFiles)
	}
	return asked, nil
}
