package history

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	one, two := map[string]int64{"a": 1}, map[string]int64{"a": 2}
	for name, tc := range map[string]struct {
		record func(*Recorder)
		ok     bool
	}{
		"nothing":              {func(*Recorder) {}, true},
		"never written":        {func(r *Recorder) { r.Read(r.Begin(), "a", Unset) }, true},
		"read without a write": {func(r *Recorder) { r.Read(r.Begin(), "a", 1) }, false},
		"the last word": {func(r *Recorder) {
			r.Write(r.Begin(), true, one)
			r.Write(r.Begin(), true, two)
			r.Read(r.Begin(), "a", 2)
		}, true},
		"an older word": {func(r *Recorder) {
			r.Write(r.Begin(), true, one)
			r.Write(r.Begin(), true, two)
			r.Read(r.Begin(), "a", 1)
		}, false},
		"lost":                     {func(r *Recorder) { r.Write(r.Begin(), true, one); r.Read(r.Begin(), "a", Unset) }, false},
		"unknown, and it happened": {func(r *Recorder) { r.Write(r.Begin(), false, one); r.Read(r.Begin(), "a", 1) }, true},
		"unknown, and it did not":  {func(r *Recorder) { r.Write(r.Begin(), false, one); r.Read(r.Begin(), "a", Unset) }, true},
		"unknown, and it came late": {func(r *Recorder) {
			r.Write(r.Begin(), false, one)
			r.Write(r.Begin(), true, two)
			r.Read(r.Begin(), "a", 1)
		}, true},
		"unknown, seen, then unseen": {func(r *Recorder) {
			r.Write(r.Begin(), false, one)
			r.Read(r.Begin(), "a", 1)
			r.Read(r.Begin(), "a", Unset)
		}, false},
		"much is unknown, and the word is lost": {func(r *Recorder) {
			r.Write(r.Begin(), true, one)
			for n := range int64(100) {
				r.Write(r.Begin(), false, map[string]int64{"a": 10 + n})
			}
			r.Read(r.Begin(), "a", Unset)
		}, false},
		"concurrent writes, either": {func(r *Recorder) {
			first, second := r.Begin(), r.Begin()
			r.Write(second, true, two)
			r.Write(first, true, one)
			r.Read(r.Begin(), "a", 2)
		}, true},
		"two readers disagree": {func(r *Recorder) {
			first, second := r.Begin(), r.Begin()
			r.Write(second, true, two)
			r.Write(first, true, one)
			r.Read(r.Begin(), "a", 2)
			r.Read(r.Begin(), "a", 1)
		}, false},
		"another register": {func(r *Recorder) { r.Write(r.Begin(), true, one); r.Read(r.Begin(), "b", 1) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := New()
			tc.record(r)
			err := r.Check()
			if (err == nil) != tc.ok {
				t.Errorf("Check = %v, want success: %v", err, tc.ok)
			}
			if err != nil && !strings.Contains(err.Error(), "read") {
				t.Errorf("error %q does not tell the history", err)
			}
		})
	}
}
