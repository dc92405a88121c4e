package channelsync

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

const (
	// itemBackoff is the first pause before a single SKU is tried again; it doubles up to itemBackoffMax.
	itemBackoff    = 5 * time.Second
	itemBackoffMax = 10 * time.Minute

	// unmappedPause is how long a SKU rests that the channel cannot identify: people have to create or
	// rename something.
	unmappedPause = 15 * time.Minute
)

// settle tells the table what came of a run.
func (l *lane) settle(k *link, items []*item) {
	now := l.clock.Now()
	settlements := make([]syncstate.Settlement, len(items))
	told := map[syncstate.Unit]int64{}
	for i, it := range items {
		settlements[i] = syncstate.Settlement{Taken: it.Taken, Outcome: outcome(it, k, now)}
		if it.result == confirmed {
			told[it.Unit] = it.push.Quantity
		}
	}
	l.table.Confirm(told)
	l.table.Settle(settlements)
}

// outcome says where an item stands after its run.
func outcome(it *item, k *link, now time.Time) syncstate.Outcome {
	switch it.result {
	case confirmed:
		return syncstate.Outcome{State: inventoryv1alpha1.SyncSynced}
	case failed:
		return failure(it.err, it.Standing.Attempts+1, k.channel.MaxAttempts(), now)
	case unanswered:
		return syncstate.Outcome{State: inventoryv1alpha1.SyncPending, Doubtful: now.Add(k.inDoubt())}
	case heldBack:
		return syncstate.Outcome{State: inventoryv1alpha1.SyncPending, Next: now.Add(sharePoll)}
	default:
		return syncstate.Outcome{State: inventoryv1alpha1.SyncPending}
	}
}

// failure says where an item stands that the channel did not confirm, for the attempts-th time.
func failure(err *channel.Error, attempts, most int32, now time.Time) syncstate.Outcome {
	out := syncstate.Outcome{State: inventoryv1alpha1.SyncFailed, Reason: string(err.Reason), Message: err.Message}
	switch err.Class {
	case channel.Rejected, channel.Terminal:
		return out
	case channel.Unmapped:
		out.Next = now.Add(wait.Jitter(unmappedPause, backoffJitter))
		return out
	case channel.Unconfirmed:
		if attempts >= most {
			out.Message = fmt.Sprintf("gave up at attempt %d: %s", attempts, err.Message)
			return out
		}
	}
	out.State = inventoryv1alpha1.SyncRetrying
	out.Next = now.Add(max(err.RetryAfter, backoff(itemBackoff, itemBackoffMax, attempts)))
	return out
}
