// Package contract is what every connector must do, as tests that run against each of them: they
// need a server that plays the connector's channel, and can be told to play it badly.
package contract

import (
	"testing"
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Behaviour is how a server treats the calls that follow.
type Behaviour int

// Behaviours of a server.
const (
	// Accept stores every quantity and confirms it.
	Accept Behaviour = iota
	// Refuse reports Refused as failed, in the way the channel refuses an item that it does not
	// know, and stores and confirms the others.
	Refuse
	// Throttle asks for a pause of Pause, by whatever means the channel has.
	Throttle
	// Deny does not accept the credentials.
	Deny
	// Break fails as a server with a bug or without its database does.
	Break
	// Stall holds the calls that follow until Release, even if another behaviour comes first. What it then does with a call whose sender has gone is the
	// channel's habit.
	Stall
	// Lose stores every quantity and cuts the connection before it answers.
	Lose
	// Garble answers with success, and a body that has been cut.
	Garble
	// Flood answers with success, and a body without end.
	Flood
	// Leak answers with an error that begins with Leaked and quotes all credentials of the call.
	Leak
	// Redirect sends the caller to the address that Start was given.
	Redirect
)

const (
	// Refused is the SKU that Refuse refuses.
	Refused = "NO-SUCH-SKU"
	// Pause is what Throttle asks for.
	Pause = 90 * time.Second
	// Leaked begins the error of Leak.
	Leaked = "leaked"
)

// Server plays a channel. It is safe for concurrent use.
type Server interface {
	// Behave changes the behaviour, which is Accept at first.
	Behave(Behaviour)
	// Release ends the waiting of all calls that Stall holds.
	Release()
	// Received has a value for every call of Push that reached the server and was held by Stall.
	Received() <-chan struct{}
	// Quantity returns what the channel has of a SKU, and whether it was told at all. The location
	// is empty in Consolidated mode.
	Quantity(locationCode, sku string) (int64, bool)
}

// Catalog is a Server of a channel that has items of its own, which SKUs stand for. Every SKU that
// a case pushes, except Refused, is made known first.
type Catalog interface {
	// Know gives the channel one item with a SKU, if it has none; its quantity is not told yet.
	Know(sku string)
	// Duplicate gives the channel a second item with a SKU.
	Duplicate(sku string)
	// Rename changes the SKU of an item; its quantity stays told.
	Rename(from, to string)
}

// Subject is a connector under test.
type Subject struct {
	Factory channel.Factory

	// Modes are those that the connector knows.
	Modes []inventoryv1alpha1.ChannelMode

	// Start starts a server that ends with the test, and returns what a connector needs to reach
	// it. The Channel is valid and of that mode; the credentials are those that the server wants, if
	// it wants any. Elsewhere is the address of another server, which the Channel does not declare.
	Start func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (Server, channel.Config)

	// SKUs are unlike words that must not be taken for syntax; those of the suite unless set, for
	// channels that cannot hold all of them.
	SKUs []string

	// MaxQuantity is the largest quantity that the channel keeps; 1<<31-1 unless set.
	MaxQuantity int64

	// UniqueSKUs reports whether the channel never has two items with one SKU; the cases about that are
	// left out.
	UniqueSKUs bool

	// KeepsOrder reports whether the channel offers protection against calls that overtake one another,
	// and the connector uses it.
	KeepsOrder bool

	// Cannot lists what the server cannot play; the cases that need it are left out.
	Cannot []Behaviour
}
