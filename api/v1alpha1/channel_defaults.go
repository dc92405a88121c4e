package v1alpha1

import (
	"time"

	"k8s.io/utils/ptr"
)

// Pools are the inventory pools that the channel sells from, with the default filled in.
func (c *Channel) Pools() []int64 {
	if len(c.Spec.PoolIDs) > 0 {
		return c.Spec.PoolIDs
	}
	return []int64{CommonPool}
}

// Suspended reports whether calls to the channel are stopped.
func (c *Channel) Suspended() bool { return ptr.Deref(c.Spec.Suspend, false) }

// Timeout bounds one call, with the default filled in.
func (c *Channel) Timeout() time.Duration {
	if t := c.Spec.Timeout; t != nil {
		return t.Duration
	}
	return DefaultChannelTimeout
}

// ProbeInterval is the time between two probes, with the default filled in.
func (c *Channel) ProbeInterval() time.Duration {
	if t := c.Spec.ProbeInterval; t != nil {
		return t.Duration
	}
	return DefaultProbeInterval
}

// MaxAttempts is how often a SKU without a verdict is tried, with the default filled in.
func (c *Channel) MaxAttempts() int32 {
	if c.Spec.MaxAttempts > 0 {
		return c.Spec.MaxAttempts
	}
	return DefaultMaxAttempts
}

// JobTTL is how long a finished job is kept, with the default filled in.
func (c *Channel) JobTTL() time.Duration {
	if h := c.Spec.Jobs; h != nil && h.TTLSecondsAfterFinished != nil {
		return time.Duration(*h.TTLSecondsAfterFinished) * time.Second
	}
	return DefaultJobTTL
}

// JobLimits are how many successful and failed jobs are kept, with the defaults filled in.
func (c *Channel) JobLimits() (successful, failed int32) {
	h := c.Spec.Jobs
	if h == nil {
		h = &JobHistory{}
	}
	return ptr.Deref(h.SuccessfulLimit, DefaultJobsHistoryLimit), ptr.Deref(h.FailedLimit, DefaultJobsHistoryLimit)
}
