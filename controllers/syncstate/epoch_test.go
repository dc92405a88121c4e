package syncstate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

type epochs = []inventoryv1alpha1.ChannelEpoch

func TestNextEpochs(t *testing.T) {
	t.Parallel()
	many := make([]string, inventoryv1alpha1.MaxEpochLocations+1)
	full := make(epochs, inventoryv1alpha1.MaxEpochs)
	for i := range full {
		full[i] = inventoryv1alpha1.ChannelEpoch{Number: int64(i + 1), Digest: "A"}
	}
	for name, tc := range map[string]struct {
		stored   epochs
		revision string
		digest   string
		affected []string
		all      bool
		want     epochs
	}{
		"the first":              {nil, "40", "A", nil, true, epochs{{Number: 40, Digest: "A"}}},
		"the same":               {epochs{{Number: 40, Digest: "A"}}, "90", "A", nil, true, epochs{{Number: 40, Digest: "A"}}},
		"back to an earlier":     {epochs{{Number: 40, Digest: "A"}, {Number: 50, Digest: "B"}}, "60", "A", nil, true, epochs{{Number: 40, Digest: "A"}, {Number: 50, Digest: "B"}, {Number: 60, Digest: "A"}}},
		"of one location":        {epochs{{Number: 40, Digest: "A"}}, "50", "B", []string{"wd"}, false, epochs{{Number: 40, Digest: "A"}, {Number: 50, Digest: "B", Locations: []string{"wd"}}}},
		"of all":                 {epochs{{Number: 40, Digest: "A"}}, "50", "B", []string{"wd"}, true, epochs{{Number: 40, Digest: "A"}, {Number: 50, Digest: "B"}}},
		"of too many to name":    {epochs{{Number: 40, Digest: "A"}}, "50", "B", many, false, epochs{{Number: 40, Digest: "A"}, {Number: 50, Digest: "B"}}},
		"a revision from before": {epochs{{Number: 40, Digest: "A"}}, "7", "B", nil, true, epochs{{Number: 40, Digest: "A"}, {Number: 41, Digest: "B"}}},
		"no room for the first":  {full, "90", "B", nil, true, append(full[1:len(full):len(full)], inventoryv1alpha1.ChannelEpoch{Number: 90, Digest: "B"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := &inventoryv1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{ResourceVersion: tc.revision}}
			ch.Status.Epochs = tc.stored
			if diff := cmp.Diff(tc.want, NextEpochs(ch, tc.digest, tc.affected, tc.all)); diff != "" {
				t.Errorf("epochs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	listed := epochs{{Number: 10}, {Number: 20, Locations: []string{"wd"}}, {Number: 30, Locations: []string{"st"}}}
	for _, tc := range []struct {
		number   int64
		location string
		want     bool
	}{
		{0, "other", false}, // never told
		{9, "other", false}, // of what was before nothing is known
		{10, "other", true},
		{10, "wd", false},
		{20, "wd", true},
		{20, "st", false},
		{30, "st", true},
		{31, "st", false}, // of another Channel of that name
	} {
		t.Run(fmt.Sprintf("%s in %d", tc.location, tc.number), func(t *testing.T) {
			t.Parallel()
			if got := holds(listed, tc.number, tc.location); got != tc.want {
				t.Errorf("holds = %v, want %v", got, tc.want)
			}
		})
	}
	if holds(nil, 0, "wd") {
		t.Error("without an epoch nothing holds")
	}
}

func TestAffected(t *testing.T) {
	t.Parallel()
	policy := func(spec *inventoryv1alpha1.Exposure) *exposure.Policy {
		p, err := exposure.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	north := policy(&inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{
		Name: "north", LocationSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"region": "north"}},
		Limits: inventoryv1alpha1.ExposureLimits{Cap: new(int64(1))},
	}}})
	shared := policy(&inventoryv1alpha1.Exposure{Total: &inventoryv1alpha1.ExposureLimits{Cap: new(int64(12))}})
	at := func(name, region string, selected bool) Location {
		return Location{Name: name, Code: "C-" + name, Labels: labels.Set{"region": region}, Selected: selected}
	}
	base := func(p *exposure.Policy, locations ...Location) *Settings {
		return &Settings{Mode: inventoryv1alpha1.LocationWise, Pools: []int64{0}, Exposure: p, Digest: "A", Locations: locations}
	}
	with := func(s *Settings, change func(*Settings)) *Settings { change(s); return s }
	two := []Location{at("st", "south", true), at("wd", "south", true)}
	for name, tc := range map[string]struct {
		before, after *Settings
		want          []string
		all           bool
	}{
		"the first":                  {nil, base(nil, two...), nil, true},
		"nothing":                    {base(nil, two...), base(nil, two...), []string{}, false},
		"the digest":                 {base(nil, two...), with(base(nil, two...), func(s *Settings) { s.Digest = "B" }), nil, true},
		"the mode":                   {base(nil, two...), with(base(nil, two...), func(s *Settings) { s.Mode = inventoryv1alpha1.Consolidated }), nil, true},
		"a pool more":                {base(nil, two...), with(base(nil, two...), func(s *Settings) { s.Pools = []int64{0, 7} }), nil, true},
		"a location more":            {base(nil, two[0]), base(nil, two...), []string{"wd"}, false},
		"a location less":            {base(nil, two...), base(nil, two[0], at("wd", "south", false)), []string{"wd"}, false},
		"one that is gone":           {base(nil, two...), base(nil, two[0]), []string{"wd"}, false},
		"a label that nobody reads":  {base(nil, two...), base(nil, two[0], at("wd", "north", true)), []string{}, false},
		"a label that a rule reads":  {base(north, two...), base(north, two[0], at("wd", "north", true)), []string{"wd"}, false},
		"a location less of a total": {base(shared, two...), base(shared, two[0]), []string{"wd"}, true},
		"nothing of a total":         {base(shared, two...), base(shared, two...), []string{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, all := tc.after.Affected(tc.before)
			if diff := cmp.Diff(tc.want, got); diff != "" || all != tc.all {
				t.Errorf("affects all: %v, want %v; locations (-want +got):\n%s", all, tc.all, diff)
			}
			if same := tc.before != nil && tc.before.EpochDigest() == tc.after.EpochDigest(); same && (all || len(got) > 0) {
				t.Error("something is affected, but the digest of the epoch is the same")
			}
		})
	}
}
