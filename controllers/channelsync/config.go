package channelsync

import (
	"time"

	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Options bound what all lanes do.
type Options struct {
	// JobItems is the most items of a ChannelSyncJob.
	JobItems int
	// IdleWindow is how long a lane under load waits for further changes.
	IdleWindow time.Duration
	// MaxWindow is how long it waits at the most, and how long a lane must have rested to start
	// at once.
	MaxWindow time.Duration
}

// Defaults of Options.
const (
	DefaultJobItems   = 256
	DefaultIdleWindow = 50 * time.Millisecond
	DefaultMaxWindow  = time.Second
)

// Location is a location of a channel's Client.
type Location struct {
	Name, Code string
	// Labels decide which rules of exposure apply.
	Labels labels.Set
	// Selected tells whether the channel sells from it.
	Selected bool
}

// Config is what a lane needs to know of its Channel.
type Config struct {
	// Channel is the object; it must not be changed afterwards.
	Channel *inventoryv1alpha1.Channel
	// Connector reaches the channel. Nil while it cannot be built.
	Connector channel.Connector
	// Digest identifies Connector: spec and Secrets. A new digest closes an open circuit.
	Digest string
	// SyncDigest identifies what decides quantities and destination. When it differs from what
	// the channel was last synced with, every SKU is pushed again.
	SyncDigest string
	// Exposure says how much of the stock the channel is shown.
	Exposure *exposure.Policy
	// Locations are all locations of the Client.
	Locations []Location
}

func (c *Config) mode() inventoryv1alpha1.ChannelMode {
	if c.Channel == nil || c.Channel.Spec.Mode == "" {
		return inventoryv1alpha1.LocationWise
	}
	return c.Channel.Spec.Mode
}

// configure brings the lane to a new configuration.
func (l *lane) configure(cfg Config) {
	l.mu.Lock()
	first, full := l.config.Channel == nil, l.applyConfig(cfg)
	load, leave := l.applyMembers(cfg, full)
	l.mu.Unlock()
	if first {
		leave = append(leave, l.formerMembers(cfg)...)
	}
	for location, anew := range load {
		l.restore(location, anew)
	}
	for _, location := range leave {
		l.withdraw(location)
	}
	l.dropDrained() // a location without stock has nothing to be told of
	ping(l.reopen)
	ping(l.reconfigured)
}

// applyConfig takes over everything but the locations, and tells whether all has to be pushed
// again. The lock must be held.
func (l *lane) applyConfig(cfg Config) (full bool) {
	first := l.config.Channel == nil
	if first {
		full = cfg.Channel.Status.SyncedConfig != cfg.SyncDigest
		l.restoreGate(cfg.Channel)
		if last := cfg.Channel.Status.LastCompareTime; last != nil {
			l.compared.Began = last.Time
		}
	} else {
		full = l.config.SyncDigest != cfg.SyncDigest
	}
	if full { // units may be of another kind now: all are found anew
		l.standings, l.unfailed = map[unit]*standing{}, 0
	}
	if l.config.Digest != cfg.Digest {
		if !first { // after a restart, what the status says of failed calls still holds
			l.gate = gate{}
		}
		l.sizes = batchSizes{}
	}
	l.gate.suspended = cfg.Channel.Suspended()
	l.config, l.connector = cfg, cfg.Connector
	l.pools = map[int64]bool{}
	for _, id := range cfg.Channel.Pools() {
		l.pools[id] = true
	}
	return full
}

// restoreGate takes over what the status says of calls that failed before a restart.
func (l *lane) restoreGate(ch *inventoryv1alpha1.Channel) {
	if next := ch.Status.NextAttemptTime; next != nil {
		l.gate.until = next.Time
	}
	if n := ch.Status.ConsecutiveFailures; n != nil {
		l.gate.failures = *n
	}
}

// applyMembers takes over the selected locations and returns those to read the standings of, each
// with whether all of it has to be pushed again, and those that are no longer selected. The lock must be
// held.
func (l *lane) applyMembers(cfg Config, full bool) (load map[string]bool, leave []string) {
	first := len(l.members) == 0
	selected, load := map[string]bool{}, map[string]bool{}
	for _, loc := range cfg.Locations {
		if !loc.Selected {
			continue
		}
		selected[loc.Name] = true
		m, matching := l.members[loc.Name], cfg.Exposure.Matching(loc.Labels)
		switch {
		case m == nil || m.withdrawn || full:
			load[loc.Name] = full
		case m.matching != matching: // other rules apply to its stock now
			load[loc.Name] = true
		default:
			continue
		}
		l.members[loc.Name] = &member{code: loc.Code, labels: loc.Labels, matching: matching}
	}
	for name, m := range l.members {
		if !selected[name] && (!m.withdrawn || full) {
			m.withdrawn, m.restored = true, false // until what has to be withdrawn is queued
			leave = append(leave, name)
		}
	}
	if cfg.Exposure.Joins() && !first && len(load)+len(leave) > 0 { // all shares change
		for name := range selected {
			load[name] = true
		}
	}
	return load, leave
}

// formerMembers returns locations that are not selected but still listed by snapshots of theirs: the
// channel was given their SKUs before a restart and has not been told to drop them. They become
// withdrawn members.
func (l *lane) formerMembers(cfg Config) []string {
	var former []string
	for _, loc := range cfg.Locations {
		if loc.Selected || !l.listed(loc.Name) {
			continue
		}
		l.mu.Lock()
		l.members[loc.Name] = &member{code: loc.Code, withdrawn: true}
		l.mu.Unlock()
		former = append(former, loc.Name)
	}
	return former
}

// listed tells whether any snapshot of a location lists the channel.
func (l *lane) listed(location string) bool {
	key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
	found := false
	for _, id := range l.store.Pools(key) {
		l.store.Each(ledger.PoolKey{Location: key, PoolID: id}, func(s ledger.StockedSKU) {
			found = found || s.Snapshot != nil && findChannel(s.Snapshot, l.key.Name) != nil
		})
	}
	return found
}
