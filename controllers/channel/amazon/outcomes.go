package amazon

import (
	"tallyman.dev/tallyman/controllers/channel"
)

// outcomes collect what became of a batch.
type outcomes struct {
	failures map[int]*channel.Error
	settled  int // listings that Amazon has answered
}

func newOutcomes(failures map[int]*channel.Error) *outcomes { return &outcomes{failures: failures} }

func (t *outcomes) result() channel.Result { return channel.Result{Failures: t.failures} }

// settle notes what Amazon says of a listing; nil is success.
func (t *outcomes) settle(l *listing, refusal *channel.Error) {
	t.settled++
	t.fail(l, refusal)
}

func (t *outcomes) fail(l *listing, err *channel.Error) {
	if err == nil {
		return
	}
	for _, i := range l.items {
		t.failures[i] = err
	}
}

// stop ends a batch at a call that failed as a whole. Where listings have been answered already, these
// count, and what is left is tried again.
func (t *outcomes) stop(err error, next int, all []*listing) error {
	if t.settled == 0 {
		return err
	}
	e := channel.AsError(err)
	if e.Class != channel.Throttled {
		e = e.With(channel.Retry) // the next call as a whole shows what it is
	}
	for _, l := range all[next:] {
		t.fail(l, e)
	}
	return nil
}
