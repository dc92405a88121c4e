package fake

import (
	"sync"

	"tallyman.dev/tallyman/controllers/channel"
)

// NextErr fails the next calls as a whole, one for each error; nil lets one through.
func (c *Channel) NextErr(errs ...error) { c.queue(false, errs) }

// LoseAnswer lets the next calls take effect and fail nevertheless, as where the connection breaks
// before the answer.
func (c *Channel) LoseAnswer(errs ...error) { c.queue(true, errs) }

func (c *Channel) queue(applied bool, errs []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, err := range errs {
		c.next = append(c.next, outcome{err, applied})
	}
}

// Fail makes a SKU fail in every call, until Fail with nil.
func (c *Channel) Fail(sku string, err *channel.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing[sku] = err
}

// FailProbe makes every Probe return an error; nil ends that.
func (c *Channel) FailProbe(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probeErr = err
}

// OnPush calls a function with every call, before that is held or answered.
func (c *Channel) OnPush(f func(channel.Batch)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onPush = f
}

// Hold makes calls wait until they are released, which can be done more than once.
func (c *Channel) Hold() (release func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = gate
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gate == gate {
			c.gate = nil
		}
		close(gate)
	})
}
