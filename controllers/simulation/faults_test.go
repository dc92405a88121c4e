package simulation

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

// Faults are known that are not repaired yet: the random worlds do without what they come of, and tests that show
// them are skipped. With a repair its line here goes, and what the compiler finds then.

var knownFaults = flag.String("known-faults", "", "known faults that are not spared, with commas between them; all for all of them")

// fault is one that is known.
type fault string

const (
	vanishing fault = "vanishing" // lane.call uses a connector that may have become nil since the gate
	rotation  fault = "rotation"  // a lane is stopped by the answer to a call of a connector that was replaced
	totals    fault = "totals"    // that other locations' shares of a total have changed is known in memory alone
	labels    fault = "labels"    // which rules applied at the last push is known in memory alone
	returning fault = "returning" // syncedConfig says A all the time while a channel is told of B and then of A again

	// A channel that is suspended is not waited for when a Location is deleted, and is never told.
	suspended fault = "suspended"
	// lane.configure takes no configuration for its first one: Go evaluates l.config.Channel == nil after applyConfig, in
	// one statement with it. So a Location that is deselected or deleted is not withdrawn by who leads next.
	withdrawal fault = "withdrawal"
	// A Location is deselected or deleted after a channel was told of its SKUs, but before a snapshot lists the channel:
	// who leads next does not know that zeros are owed, and a job that was cut off is no help.
	owed fault = "owed"
	// A Channel that is made anew with fewer pools, under the name of one that is gone, stays listed by snapshots of others.
	namesake fault = "namesake"
	// A call that is applied after its sender has given up overwrites what came later.
	late fault = "late"
	// A create of a snapshot lands late, which does not list a channel that its successors list. Store.review looks at
	// what such a snapshot says is not in step, but not at what it does not say.
	unlisted fault = "unlisted"
)

// spares reports whether the worlds do without what a fault comes of.
func spares(f fault) bool {
	wanted := strings.Split(*knownFaults, ",")
	return !slices.Contains(wanted, string(f)) && !slices.Contains(wanted, "all")
}

// knownFault skips a test that fails until a fault is repaired.
func knownFault(t *testing.T, f fault) {
	t.Helper()
	if spares(f) {
		t.Skipf("known fault: %s, see faults_test.go", f)
	}
}
