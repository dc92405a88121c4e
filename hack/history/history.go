// Package history records what was written and read at the system's edges while it was disturbed, and
// checks that it can be explained: every quantity is a register, whose writes and reads must have
// happened in some order that nobody who looked on can refute.
package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/anishathalye/porcupine"
)

// Unset is what a register reads as that was never written.
const Unset int64 = -1

// Recorder records a history. It is safe for concurrent use.
type Recorder struct {
	mu        sync.Mutex
	now       int64 // counts calls and returns: wall clocks are too coarse to order them
	registers map[string][]porcupine.Operation
}

// operation is a write, or a read where write is false.
type operation struct {
	write bool
	value int64
}

// New makes an empty history.
func New() *Recorder { return &Recorder{registers: map[string][]porcupine.Operation{}} }

// Begin notes that operations begin, and returns when.
func (r *Recorder) Begin() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	return r.now
}

// Write records writes that began at a time. Those that were not acknowledged may have happened, may
// still happen, or never.
func (r *Recorder) Write(began int64, acknowledged bool, values map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	ended := r.now
	if !acknowledged {
		ended = math.MaxInt64
	}
	for register, value := range values {
		r.add(register, began, ended, operation{true, value})
	}
}

// Read records that a register has a value, seen by a read that began at a time.
func (r *Recorder) Read(began int64, register string, value int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now++
	r.add(register, began, r.now, operation{false, value})
}

func (r *Recorder) add(register string, began, ended int64, op operation) {
	r.registers[register] = append(r.registers[register], porcupine.Operation{Input: op, Call: began, Return: ended})
}

// Registers are those that were written or read, sorted.
func (r *Recorder) Registers() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]string, 0, len(r.registers))
	for name := range r.registers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// register is a quantity that is set and read.
var register = porcupine.Model{
	Init: func() any { return Unset },
	Step: func(state, input, _ any) (bool, any) {
		op := input.(operation)
		if op.write {
			return true, op.value
		}
		return state.(int64) == op.value, state
	},
}

// Check returns an error that tells the history of the first register that cannot be explained.
func (r *Recorder) Check() error {
	for _, name := range r.Registers() {
		r.mu.Lock()
		ops := slices.Clone(r.registers[name])
		r.mu.Unlock()
		if !porcupine.CheckOperations(register, relevant(ops)) {
			return fmt.Errorf("the history of %s cannot be explained:\n%s", name, describe(ops))
		}
	}
	return nil
}

// relevant leaves out unacknowledged writes whose value nobody has read. A history can be explained with
// them if and only if it can be without: they may be thought to happen last. The checker would try all
// their subsets.
func relevant(ops []porcupine.Operation) []porcupine.Operation {
	seen := map[int64]bool{}
	for _, o := range ops {
		if op := o.Input.(operation); !op.write {
			seen[op.value] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ops), func(o porcupine.Operation) bool {
		return o.Return == math.MaxInt64 && !seen[o.Input.(operation).value]
	})
}

// describe lists operations by when they began.
func describe(ops []porcupine.Operation) string {
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var out strings.Builder
	for _, o := range ops {
		op, what, ended := o.Input.(operation), "read", strconv.FormatInt(o.Return, 10)
		if op.write {
			what = "write"
		}
		if o.Return == math.MaxInt64 {
			ended = "unknown"
		}
		fmt.Fprintf(&out, "  %d to %s: %s %d\n", o.Call, ended, what, op.value)
	}
	return out.String()
}
