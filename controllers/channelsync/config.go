package channelsync

import (
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// Limits bound what all lanes do.
type Limits struct {
	// RunItems is the most items of a run.
	RunItems int
	// IdleWindow is how long a lane under load waits for further changes.
	IdleWindow time.Duration
	// MaxWindow is how long it waits at the most, and how long a lane must have rested to start at once.
	MaxWindow time.Duration
	// RecordWindow is how long a ChannelSyncJob takes in further runs, from the first one on.
	RecordWindow time.Duration
	// Drain is how long a call that is under way may go on when the process stops.
	Drain time.Duration
}

// Defaults of Limits.
const (
	DefaultRunItems     = 256
	DefaultIdleWindow   = 50 * time.Millisecond
	DefaultMaxWindow    = time.Second
	DefaultRecordWindow = 10 * time.Second
	DefaultDrain        = 15 * time.Second
)

// DefaultLimits are what lanes are bound by unless told otherwise.
var DefaultLimits = Limits{
	RunItems: DefaultRunItems, IdleWindow: DefaultIdleWindow, MaxWindow: DefaultMaxWindow,
	RecordWindow: DefaultRecordWindow, Drain: DefaultDrain,
}

// Config is what a lane needs to know of its Channel.
type Config struct {
	// Channel is the object, with the epochs of its status; it must not be changed afterwards.
	Channel *inventoryv1alpha1.Channel
	// Connector reaches the channel; nil while it cannot be built: then no call is made.
	Connector channel.Connector
	// Digest identifies Connector: spec and Secrets. With a new one, nothing that came of calls before counts.
	Digest string
	// Settings decide quantities and destination; nil while they cannot be known: then those from before hold. They
	// belong to the newest epoch of the Channel.
	Settings *syncstate.Settings
}

// link is a connector in use, with what its calls have taught. It never changes but for that.
type link struct {
	channel   *inventoryv1alpha1.Channel
	connector channel.Connector // of the state missing, if the channel cannot be reached now
	digest    string
	breaker   *breaker
	sizes     *batchSizes
}

// newLink makes the link of a configuration. Where the connector is the one in use, so is what was learned.
func newLink(cfg Config, was *link, now func() time.Time) *link {
	out := &link{channel: cfg.Channel, connector: cfg.Connector, digest: cfg.Digest, sizes: &batchSizes{}}
	switch {
	case was != nil && was.digest == cfg.Digest:
		out.breaker, out.sizes = was.breaker, was.sizes
	case was == nil: // after a restart, what the status says of failed calls still holds
		out.breaker = resumeBreaker(now, &cfg.Channel.Status)
	default:
		out.breaker = newBreaker(now)
	}
	if out.connector == nil {
		out.connector = missing{}
	}
	return out
}

// wait reports whether a call may be made, or else for how long to wait; 0 means until something changes.
func (l *link) wait() (wait time.Duration, open bool) {
	if _, none := l.connector.(missing); none || l.channel.Suspended() {
		return 0, false
	}
	return l.breaker.wait()
}

// inDoubt is how long a request may still be carried out whose sender has given up, or is gone. That the sender waits for
// less than is usual lets nobody else give up sooner.
func (l *link) inDoubt() time.Duration {
	return max(l.channel.Timeout(), inventoryv1alpha1.DefaultChannelTimeout)
}

// longestCall is how long a call may take, which may be of several requests.
func (l *link) longestCall() time.Duration {
	return max(l.channel.Timeout(), min(l.connector.Limits().Patience, channel.MaxPatience))
}

// mostItems is the most items of a run.
func (l *link) mostItems(limits Limits) int {
	return min(max(limits.RunItems, l.connector.Limits().JobItems), inventoryv1alpha1.MaxJobItems)
}
