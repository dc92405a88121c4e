package main

import (
	"math"
	"time"
)

// scaledTo shrinks a scenario, to try the runner or a change of it. Senders, sizes of batches and rates stay as they are.
func (s *Scenario) scaledTo(factor float64) {
	if factor == 1 {
		return
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		switch {
		case step.Residents != nil:
			step.Residents.PerLocation = shrink(step.Residents.PerLocation, factor, 1)
		case step.Rest != nil:
			step.Rest.Duration.Duration = shrinkTime(step.Rest.Duration.Duration, factor)
		case step.Load != nil:
			l := step.Load
			least := 1
			if !l.Order.feeds() {
				least = l.Senders * l.BatchSKUs
			}
			l.Catalogue = shrink(l.Catalogue, factor, least)
			l.Rounds = shrink(l.Rounds, factor, min(l.Rounds, 2))
			if l.Batches > 0 {
				l.Batches = shrink(l.Batches, factor, l.Senders)
			}
			if l.Duration.Duration > 0 {
				l.Duration.Duration = shrinkTime(l.Duration.Duration, factor)
			}
		}
	}
}

func shrink(n int, factor float64, least int) int {
	return max(least, int(math.Round(float64(n)*factor)))
}

// shortestTime is enough for a few looks of the recorder.
const shortestTime = 3 * time.Second

func shrinkTime(d time.Duration, factor float64) time.Duration {
	return min(d, max(shortestTime, time.Duration(float64(d)*factor)))
}
