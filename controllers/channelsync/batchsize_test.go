package channelsync

import "testing"

func TestBatchSizes(t *testing.T) {
	t.Parallel()
	var s batchSizes
	for i, step := range []struct{ timedOut, answered, want int }{
		{0, 0, 200},
		{0, 200, 200},
		{200, 0, 100},
		{100, 30, 50},
		{0, 30, 50}, // a call that is not full teaches nothing
		{0, 50, 62},
		{0, 62, 77},
		{1, 0, 77}, // not the size's fault
		{2, 0, 1},
		{0, 1, 2},
	} {
		s.learn(step.timedOut, step.answered)
		if got := s.limit(200); got != step.want {
			t.Errorf("step %d: limit %d, want %d", i, got, step.want)
		}
	}
	for range 30 {
		s.learn(0, s.limit(200))
	}
	if got := s.limit(200); got != 200 {
		t.Errorf("after many answers in time: limit %d, want 200", got)
	}
}
