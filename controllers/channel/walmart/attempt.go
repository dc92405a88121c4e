package walmart

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"tallyman.dev/tallyman/controllers/channel"
)

// attempt is a request for each of some groups.
type attempt struct {
	mu       sync.Mutex
	answered int
	failed   error // of the first request that failed as a whole: no further ones are made
}

// forEach makes requests for groups, some at a time. It returns an error if the rest cannot be tried
// either, or nothing was learned; else rest is called for each group without an answer.
func (c *connector) forEach(ctx context.Context, groups []group, ask func(group) error, rest func(group, *channel.Error)) error {
	var a attempt
	var open []group
	var running errgroup.Group
	running.SetLimit(maxRequests)
	for _, g := range groups {
		running.Go(func() error {
			if a.over() {
				a.note(nil, &open, g)
				return nil
			}
			if err := ask(g); err != nil {
				a.note(err, &open, g)
				return nil // it is in a
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.answered++
			return nil
		})
	}
	_ = running.Wait()
	if a.failed == nil {
		return nil
	}
	e := channel.AsError(a.failed)
	if a.answered == 0 || ctx.Err() != nil || e.Class == channel.Unauthorized || e.Class == channel.Terminal {
		return a.failed
	}
	for _, g := range open {
		rest(g, e)
	}
	return nil
}

func (a *attempt) over() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed != nil
}

func (a *attempt) note(err error, open *[]group, g group) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = err
	}
	*open = append(*open, g)
}
