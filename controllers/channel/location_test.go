package channel

import (
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

func TestLocationOf(t *testing.T) {
	t.Parallel()
	it := Item{SKU: "A", LocationCode: "DC-1"}
	cases := map[string]struct {
		mode       inventoryv1alpha1.ChannelMode
		sums, want string
	}{
		"location by location":        {inventoryv1alpha1.LocationWise, "SUMS", "DC-1"},
		"sums":                        {inventoryv1alpha1.Consolidated, "SUMS", "SUMS"},
		"sums, without any locations": {inventoryv1alpha1.Consolidated, "", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (Batch{Mode: tc.mode}).LocationOf(it, tc.sums); got != tc.want {
				t.Errorf("LocationOf = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOneLocation(t *testing.T) {
	t.Parallel()
	b := Batch{Mode: inventoryv1alpha1.LocationWise, Items: []Item{{SKU: "A", LocationCode: "DC-1"}, {SKU: "B", LocationCode: "DC-1"}}}
	if code, err := b.OneLocation("SUMS"); err != nil || code != "DC-1" {
		t.Errorf("OneLocation = %q, %v", code, err)
	}
	b.Items[1].LocationCode = "DC-2"
	if e := AsError(errorOf(b.OneLocation("SUMS"))); e == nil || e.Class != Terminal || e.Reason != "InvalidBatch" {
		t.Errorf("error %v of two locations", e)
	}
	b.Mode = inventoryv1alpha1.Consolidated
	if code, err := b.OneLocation("SUMS"); err != nil || code != "SUMS" {
		t.Errorf("OneLocation = %q, %v, want the one of the sums", code, err)
	}
}

func errorOf(_ string, err error) error { return err }

func TestCheckSums(t *testing.T) {
	t.Parallel()
	cfg := Config{Channel: &inventoryv1alpha1.Channel{}}
	cfg.Channel.Spec.Mode = inventoryv1alpha1.LocationWise
	if err := cfg.CheckSums("spec.shop.location", ""); err != nil {
		t.Errorf("LocationWise: %v", err)
	}
	cfg.Channel.Spec.Mode = inventoryv1alpha1.Consolidated
	if err := cfg.CheckSums("spec.shop.location", "SUMS"); err != nil {
		t.Errorf("with a location: %v", err)
	}
	if e := AsError(cfg.CheckSums("spec.shop.location", "")); e == nil || e.Class != Terminal || e.Reason != "InvalidSpec" {
		t.Errorf("without a location: %v", e)
	}
}
