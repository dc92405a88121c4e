package simulation

import (
	"flag"
	"slices"
	"strings"
)

// Faults are known that are not repaired yet: the random worlds do without what they come of. With a repair its line here
// goes, and what the compiler finds then.

var knownFaults = flag.String("known-faults", "", "known faults that are not spared, with commas between them; all for all of them")

// fault is one that is known.
type fault string

const (
	// A channel that is suspended is not waited for when a Location is deleted, and is never told.
	suspended fault = "suspended"
	// What the log says of a Location that is gone is not told apart, by UID, from what it says of the next one of
	// its name, which inherits it.
	heirs fault = "heirs"
	// A SKU that a channel ignores while its Location is withdrawn keeps its quantity there, also when it is not ignored
	// any more.
	ignored fault = "ignored"
	// A call that is applied long after its sender has given up overwrites what came later: in one history of a hundred.
	late fault = "late"
)

// spares reports whether the worlds do without what a fault comes of.
func spares(f fault) bool {
	wanted := strings.Split(*knownFaults, ",")
	return !slices.Contains(wanted, string(f)) && !slices.Contains(wanted, "all")
}
