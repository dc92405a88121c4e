package channelsync

import (
	"fmt"
	"sync/atomic"
)

// Term is the time for which a process leads.
type Term struct {
	// Revision is the resourceVersion of the Lease as the process has it: larger than that of any earlier term.
	Revision uint64
	// Succeeds reports whether a former leader did not step down: its calls may still be under way.
	Succeeds bool
	// Held reports whether nobody else can have taken over yet; nil for always.
	Held func() bool
	// Soil is called when a call was cut off, so that a successor must not believe that this leader stepped
	// down with nothing under way; nil for nobody to be told.
	Soil func()

	runs atomic.Uint64
}

func (t *Term) held() bool { return t.Held == nil || t.Held() }

func (t *Term) soil() {
	if t.Soil != nil {
		t.Soil()
	}
}

// sequence returns the place of a new run in the order of what channels are told: it sorts as a string behind
// that of every run before, of this leader and of those before it.
func (t *Term) sequence() string {
	return fmt.Sprintf("%020d.%012d", t.Revision, t.runs.Add(1))
}
