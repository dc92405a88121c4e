package simulation

import (
	"flag"
	"testing"
)

// Faults are known that are not repaired yet. Each has a line here, and where it has a test of its own a call of
// knownFault; both go with it. With -known-faults nothing is spared.

var knownFaults = flag.Bool("known-faults", false, "also do what is known not to be stood yet")

// fault is one that is known.
type fault string

const (
	// unlisted: a create of a snapshot lands late, which does not list a channel that its successors list. Store.review
	// looks at what such a snapshot says is not in step, but not at what it does not say.
	unlisted fault = "a late snapshot does not list a channel"
)

// spares reports whether the worlds do without what a fault would come of.
func spares(fault) bool { return !*knownFaults }

// knownFault skips a test that fails until a fault is repaired.
func knownFault(t *testing.T, why string) {
	t.Helper()
	if !*knownFaults {
		t.Skip("known fault: " + why)
	}
}
