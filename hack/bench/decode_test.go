package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// minimal is a scenario that works, to be spoilt by tests.
const minimal = `
name: one
description: something
sets: [short]
managers: [{}]
tenants: {locations: 2}
steps:
- name: start
  start: {}
- name: load
  load: {order: Random, catalogue: 100, batchSKUs: 3, senders: 2, batches: 10}
`

func TestDecodeFillsInDefaults(t *testing.T) {
	t.Parallel()
	s, err := decode([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ManagerGroup{{Count: 1, Tenants: []int{0}, LeaseNamespace: "tallyman-system"}}, s.Managers); diff != "" {
		t.Errorf("managers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0}, s.Steps[0].Start.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if l := s.Steps[1].Load; l.Rounds != 1 || l.Locations != 2 {
		t.Errorf("got %d rounds in %d locations, want 1 in 2", l.Rounds, l.Locations)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ old, new, want string }{
		"an unknown field":      {"sets:", "colour: red\nsets:", `unknown field "colour"`},
		"a bad name":            {"name: one", "name: One", "name: One: must be a DNS label"},
		"no description":        {"description: something", "description: ''", "description: empty: must say what is measured"},
		"an unknown set":        {"[short]", "[long]", "sets: long: must be short or full"},
		"no manager":            {"[{}]", "[]", "managers: 0: must be between 1 and 16"},
		"a flag without dashes": {"[{}]", "[{flags: [shard=1]}]", "managers[0].flags: shard=1: must begin with --"},
		"a tenant that is not":  {"[{}]", "[{tenants: [1]}]", "managers[0].tenants: 1: must be between 0 and 0"},
		"an unknown channel":    {"{locations: 2}", "{locations: 2, channels: [Loud]}", "tenants.channels: Loud: must be LocationWise or Consolidated"},
		"two kinds of step":     {"start: {}", "start: {}\n  stop: {}", "steps[0]: start: must have exactly one of"},
		"a load before a start": {"start: {}", "stop: {}", "steps[1].load: load: the managers do not run"},
		"a name twice":          {"name: load", "name: start", "steps[1].name: start: must be unique"},
		"an unknown order":      {"order: Random", "order: Backwards", "must be Sorted, Shuffled or Random"},
		"batches of a feed":     {"order: Random", "order: Sorted", "a feed ends when every SKU is sent"},
		"no end":                {", batches: 10", "", "either batches or batchesPerSecond must be set"},
		"a rate without an end": {"batches: 10", "batchesPerSecond: 10", "steps[1].load.duration: 0s: must be set with batchesPerSecond"},
		"two senders of a SKU":  {"catalogue: 100", "catalogue: 5", "must be at least senders x batchSKUs, 6"},
		"too few locations":     {"senders: 2", "senders: 2, freshLocations: true, rounds: 2", "all rounds need 4 locations"},
		"residents while it runs": {
			"- name: load\n", "- name: fill\n  residents: {locations: 1, perLocation: 1}\n- name: load\n",
			"steps[1].residents: fill: the managers must not run",
		},
		"an aim without a bound":   {"steps:", "expect: [{figure: load.refused, of: Value}]\nsteps:", "must have either atLeast or atMost"},
		"an aim for nothing":       {"steps:", "expect: [{figure: load.beauty, of: Value, atMost: 1}]\nsteps:", "expect[0].figure: load.beauty: must be step.figure"},
		"an aim of another step":   {"steps:", "expect: [{figure: load.ready_seconds, of: Value, atMost: 1}]\nsteps:", "expect[0].figure: load.ready_seconds"},
		"freshness, no channels":   {"steps:", "expect: [{figure: load.freshness_p50_ms, of: Value, atMost: 1}]\nsteps:", "load.freshness_p50_ms"},
		"a ratio without baseline": {"steps:", "expect: [{figure: load.refused, of: Baseline, atMost: 1}]\nsteps:", "must be a load with baseline: true"},
		"a ratio to nothing":       {"steps:", "expect: [{figure: load.refused, of: Figure, atMost: 1}]\nsteps:", "expect[0].relativeTo"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoilt := strings.Replace(minimal, tc.old, tc.new, 1)
			if spoilt == minimal {
				t.Fatalf("%q is not in the scenario", tc.old)
			}
			_, err := decode([]byte(spoilt))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestEveryTenantIsServed(t *testing.T) {
	t.Parallel()
	spoilt := strings.Replace(strings.Replace(minimal, "{locations: 2}", "{count: 2, locations: 2}", 1), "[{}]", "[{tenants: [1]}]", 1)
	_, err := decode([]byte(spoilt))
	if want := "steps[0].start.groups: tenant 0: must be served by a group"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}

// TestBuiltIn loads what the binary brings along, and scales it.
func TestBuiltIn(t *testing.T) {
	t.Parallel()
	for _, set := range []string{setShort, setFull} {
		scenarios, err := load(nil, set, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scenarios {
			if len(s.Expect) == 0 {
				t.Errorf("%s has no aims", s.Name)
			}
			s.scaledTo(0.01)
			if err := s.validate(); err != nil {
				t.Errorf("%s, scaled: %v", s.Name, err)
			}
		}
	}
}

func TestLoadByWord(t *testing.T) {
	t.Parallel()
	got, err := load(nil, setShort, []string{"feed"})
	if err != nil || len(got) != 1 || got[0].Name != "feed-short" {
		t.Errorf("got %v, %v, want feed-short", got, err)
	}
	if _, err := load(nil, setShort, []string{"nothing"}); err == nil {
		t.Error("no scenario was not an error")
	}
	if _, err := load([]string{"no/such.yaml"}, setShort, nil); err == nil {
		t.Error("a file that does not exist was not an error")
	}
}

func TestScale(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ got, want any }{
		"a number":           {shrink(1000, 0.01, 1), 10},
		"no less than least": {shrink(1000, 0.01, 64), 64},
		"a time":             {shrinkTime(10*time.Minute, 0.01), 6 * time.Second},
		"no less than looks": {shrinkTime(time.Minute, 0.01), 3 * time.Second},
		"nor more than all":  {shrinkTime(time.Second, 0.5), time.Second},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
}
