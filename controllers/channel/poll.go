package channel

import (
	"context"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

// Poll asks for an answer that a channel gives later, with the pauses of backoff in between, until
// it is there, asking fails or the context ends.
func Poll(ctx context.Context, c clock.WithTicker, backoff wait.Backoff, ask func(context.Context) (done bool, err error)) error {
	for {
		done, err := ask(ctx)
		if done || err != nil {
			return err
		}
		timer := c.NewTimer(backoff.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C():
		}
	}
}
