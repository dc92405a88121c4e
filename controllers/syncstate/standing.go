package syncstate

import (
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Unit is what a channel holds one quantity of: a SKU at a Location, by its name, or in Consolidated
// mode a SKU, with an empty location.
type Unit struct{ Location, SKU string }

// Standing is where a unit stands that is not in step. It is replaced, never changed, so that whoever
// took a unit can tell whether it changed meanwhile.
type Standing struct {
	State inventoryv1alpha1.SyncState
	// Reason, Message and Attempts, the pushes that ended without success since the quantity changed,
	// are set once a push has failed.
	Reason   string
	Message  string
	Attempts int32
	// Next is when the unit is due; zero for at once, or where it is Failed for no time.
	Next time.Time
	// Trigger is the Location whose change is to be pushed.
	Trigger string
	// Change counts what made units due. It tells two pushes of a unit apart, even of the same quantity.
	Change uint64

	doubtful time.Time // until then a call that was not answered may still set what it carried
	queued   bool      // waits to be taken
}

// Outcome is what came of a push of a unit.
type Outcome struct {
	// State is SyncSynced where the channel confirmed, SyncRetrying or SyncFailed where it did not, and
	// SyncPending where no call told.
	State inventoryv1alpha1.SyncState
	// Reason and Message say why a push failed.
	Reason, Message string
	// Next is when the unit is tried again; zero for never, or in the state Pending for as soon as calls may be made.
	Next time.Time
	// Doubtful is until when the call, which was not answered, may still set what it carried.
	Doubtful time.Time
}

// settle returns where a unit stands after a push; nil in step.
func (s *Standing) settle(o Outcome, now time.Time, change uint64) *Standing {
	next := *s
	next.queued = false
	if o.Doubtful.After(next.doubtful) {
		next.doubtful = o.Doubtful
	}
	switch o.State {
	case inventoryv1alpha1.SyncSynced:
		if !next.doubtful.After(now) {
			return nil
		}
		// What is on the wire may land after this. The same again then, as another push.
		return &Standing{
			State: inventoryv1alpha1.SyncPending, Next: next.doubtful, Trigger: s.Trigger, Change: change,
		}
	case inventoryv1alpha1.SyncPending:
		next.Next = o.Next
		return &next
	default:
		next.State, next.Reason, next.Message, next.Next = o.State, o.Reason, o.Message, o.Next
		next.Attempts++
		return &next
	}
}
