//go:build soak

package migrate

import "testing"

// Two instances are tried one beside the other where there is time for it: seven million worlds.
func TestEveryOrderOfEventsAtTheGateOfTwoInstancesIsSafe(t *testing.T) {
	t.Parallel()
	(&model{fleet: 2, faults: 2, attempts: 1, lease: 1, limit: 1}).mustHold(t)
}

func TestEveryOrderOfEventsOverALongerLeaseIsSafe(t *testing.T) {
	t.Parallel()
	(&model{fleet: 1, faults: 3, attempts: 3, lease: 4, limit: 2}).mustHold(t)
}
