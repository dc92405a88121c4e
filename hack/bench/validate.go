package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook"
)

// Limits of what a scenario may ask of a machine.
const (
	maxProcesses = 16
	maxTenants   = 100
	maxLocations = 1_000
	maxSenders   = 1_000
	maxRounds    = 100
	maxBatches   = 1_000_000 // of one round; quantities of rounds must not overlap
)

// checker collects what is wrong, with field, value and rule.
type checker struct{ errs []error }

func (c *checker) must(ok bool, field string, value any, rule string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf("%s: %v: %s", field, value, fmt.Sprintf(rule, args...)))
	}
}

func (c *checker) within(field string, n, least, most int) {
	c.must(n >= least && n <= most, field, n, "must be between %d and %d", least, most)
}

// validate names every field that cannot work. Defaults must be filled in.
func (s *Scenario) validate() error {
	c := &checker{}
	c.must(len(validation.IsDNS1123Label(s.Name)) == 0, "name", s.Name, "must be a DNS label")
	c.must(s.Description != "", "description", "empty", "must say what is measured")
	c.must(len(s.Sets) > 0, "sets", s.Sets, "must not be empty")
	for _, set := range s.Sets {
		c.must(set == setShort || set == setFull, "sets", set, "must be %s or %s", setShort, setFull)
	}
	c.within("tenants.count", s.Tenants.Count, 1, maxTenants)
	c.within("tenants.locations", s.Tenants.Locations, 1, maxLocations)
	for _, mode := range s.Tenants.Channels {
		known := mode == inventoryv1alpha1.LocationWise || mode == inventoryv1alpha1.Consolidated
		c.must(known, "tenants.channels", mode, "must be LocationWise or Consolidated")
	}
	s.validateManagers(c)
	s.validateSteps(c)
	s.validateExpectations(c)
	return errors.Join(c.errs...)
}

func (s *Scenario) validateManagers(c *checker) {
	processes := 0
	for i, g := range s.Managers {
		at := fmt.Sprintf("managers[%d]", i)
		processes += g.Count
		c.within(at+".count", g.Count, 1, maxProcesses)
		c.must(len(validation.IsDNS1123Label(g.LeaseNamespace)) == 0, at+".leaseNamespace", g.LeaseNamespace, "must be a DNS label")
		for _, n := range g.Tenants {
			c.within(at+".tenants", n, 0, s.Tenants.Count-1)
		}
		for _, flag := range g.Flags {
			c.must(strings.HasPrefix(flag, "--"), at+".flags", flag, "must begin with --")
		}
	}
	c.within("managers", processes, 1, maxProcesses)
}

// validate checks that the groups exist and serve every tenant.
func (start *Start) validate(c *checker, at string, s *Scenario) {
	served := map[int]bool{}
	for _, n := range start.Groups {
		c.within(at, n, 0, len(s.Managers)-1)
		if n >= 0 && n < len(s.Managers) {
			for _, tenant := range s.Managers[n].Tenants {
				served[tenant] = true
			}
		}
	}
	for n := range s.Tenants.Count {
		c.must(served[n], at, fmt.Sprintf("tenant %d", n), "must be served by a group")
	}
}

func (s *Scenario) validateSteps(c *checker) {
	c.must(len(s.Steps) > 0, "steps", "none", "must not be empty")
	names := map[string]bool{}
	running, filled := false, 0
	for i, step := range s.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		c.must(len(validation.IsDNS1123Label(step.Name)) == 0, at+".name", step.Name, "must be a DNS label")
		c.must(!names[step.Name], at+".name", step.Name, "must be unique")
		names[step.Name] = true
		kinds := 0
		for _, set := range []bool{step.Start != nil, step.Stop != nil, step.Residents != nil, step.Load != nil, step.Rest != nil} {
			if set {
				kinds++
			}
		}
		c.must(kinds == 1, at, step.Name, "must have exactly one of start, stop, residents, load and rest")
		switch {
		case step.Start != nil:
			c.must(!running, at+".start", step.Name, "the managers run already")
			running = true
			step.Start.validate(c, at+".start.groups", s)
		case step.Stop != nil:
			c.must(running, at+".stop", step.Name, "the managers do not run")
			running = false
		case step.Residents != nil:
			c.must(!running, at+".residents", step.Name, "the managers must not run: the fold alone writes snapshots then")
			c.within(at+".residents.locations", step.Residents.Locations, 1, s.Tenants.Locations-filled)
			c.within(at+".residents.perLocation", step.Residents.PerLocation, 1, maxCatalogue)
			filled += step.Residents.Locations
		case step.Load != nil:
			c.must(running, at+".load", step.Name, "the managers do not run")
			step.Load.validate(c, at+".load", s.Tenants)
		case step.Rest != nil:
			c.must(running, at+".rest", step.Name, "the managers do not run")
			c.must(step.Rest.Duration.Duration > 0, at+".rest.duration", step.Rest.Duration.Duration, "must be positive")
		}
	}
}

func (l *Load) validate(c *checker, at string, t Tenants) {
	c.must(slices.Contains([]Order{Sorted, Shuffled, Random}, l.Order), at+".order", l.Order, "must be Sorted, Shuffled or Random")
	c.within(at+".catalogue", l.Catalogue, 1, maxCatalogue)
	c.within(at+".batchSKUs", l.BatchSKUs, 1, webhook.DefaultMaxBatchSKUs)
	c.within(at+".senders", l.Senders, 1, maxSenders)
	c.within(at+".rounds", l.Rounds, 1, maxRounds)
	c.within(at+".firstLocation", l.FirstLocation, 0, t.Locations-1)
	needed := l.Locations
	if l.FreshLocations {
		needed *= l.Rounds
	}
	c.must(l.Locations > 0 && l.FirstLocation+needed <= t.Locations, at+".locations", l.Locations,
		"all rounds need %d locations from the %dth on, tenants have %d", needed, l.FirstLocation, t.Locations)
	open := l.BatchesPerSecond > 0
	c.must(l.BatchesPerSecond >= 0 && !math.IsInf(l.BatchesPerSecond, 1), at+".batchesPerSecond", l.BatchesPerSecond, "must not be negative")
	c.must(open == (l.Duration.Duration > 0), at+".duration", l.Duration.Duration, "must be set with batchesPerSecond, and only with it")
	if l.Order.feeds() {
		c.must(!open && l.Batches == 0, at+".batches", l.Batches, "a feed ends when every SKU is sent: no batches, batchesPerSecond or duration")
		return
	}
	c.must(open != (l.Batches > 0), at+".batches", l.Batches, "either batches or batchesPerSecond must be set")
	c.within(at+".batches", l.total(), 1, maxBatches)
	// A SKU belongs to one sender, so that no two quantities of it are under way at once.
	c.must(l.Catalogue >= l.Senders*l.BatchSKUs, at+".catalogue", l.Catalogue, "must be at least senders x batchSKUs, %d", l.Senders*l.BatchSKUs)
}

// total is the number of batches in a round of a Random load.
func (l *Load) total() int {
	if l.Batches > 0 {
		return l.Batches
	}
	return int(math.Ceil(l.BatchesPerSecond * l.Duration.Seconds()))
}

func (s *Scenario) validateExpectations(c *checker) {
	for i, e := range s.Expect {
		at := fmt.Sprintf("expect[%d]", i)
		c.must((e.AtLeast == nil) != (e.AtMost == nil), at, e.Figure, "must have either atLeast or atMost")
		c.must(s.hasFigure(e.Figure), at+".figure", e.Figure, "must be step.figure, a figure that the step measures")
		switch e.Of {
		case OfValue:
		case OfBaseline:
			step, _, _ := strings.Cut(e.Figure, ".")
			l := s.step(step)
			c.must(l != nil && l.Load != nil && l.Load.Baseline, at+".of", e.Of, "the step must be a load with baseline: true")
		case OfFigure:
			c.must(s.hasFigure(e.RelativeTo), at+".relativeTo", e.RelativeTo, "must be step.figure, a figure that the step measures")
		default:
			c.must(false, at+".of", e.Of, "must be Value, Baseline or Figure")
		}
		c.must(e.Of == OfFigure || e.RelativeTo == "", at+".relativeTo", e.RelativeTo, "only with of: Figure")
	}
}

// step returns a step by name, nil where there is none.
func (s *Scenario) step(name string) *Step {
	for i := range s.Steps {
		if s.Steps[i].Name == name {
			return &s.Steps[i]
		}
	}
	return nil
}

func (s *Scenario) hasFigure(path string) bool {
	name, figure, _ := strings.Cut(path, ".")
	step := s.step(name)
	if step == nil {
		return false
	}
	def, ok := figures[figure]
	return ok && def.measuredBy(step, s)
}
