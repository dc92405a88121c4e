package channel

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantity(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Quantity{
		`7`: {Units: 7, Known: true}, `0`: {Known: true}, `-3`: {Units: -3, Known: true},
		`"7"`: {Units: 7, Known: true}, `7.0`: {Units: 7, Known: true}, `"7.0000"`: {Units: 7, Known: true}, `1e3`: {Units: 1000, Known: true},
		`1.5`: {Units: 2, Part: true, Known: true}, `-1.5`: {Units: -1, Part: true, Known: true}, `"0.0001"`: {Units: 1, Part: true, Known: true},
		`null`: {}, `2147483647`: {Units: 1<<31 - 1, Known: true}, `9007199254740992`: {Units: 1 << 53, Known: true},
	} {
		got := Quantity{Units: 99, Part: true, Known: true}
		if err := json.Unmarshal([]byte(raw), &got); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
	for _, raw := range []string{`""`, `"many"`, `true`, `{}`, `[1]`, `1e30`, `"NaN"`, `"Inf"`, `1e999`, `"7 pcs"`} {
		var got Quantity
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s is taken for %+v", raw, got)
		}
	}
}

func TestQuantityIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		quantity Quantity
		want     bool
	}{
		{Quantity{Units: 2, Known: true}, true},
		{Quantity{Units: 3, Known: true}, false},
		{Quantity{Units: 2, Part: true, Known: true}, false},
		{Quantity{Units: 2}, false},
	} {
		if got := tc.quantity.Is(2); got != tc.want {
			t.Errorf("%+v is 2: %v, want %v", tc.quantity, got, tc.want)
		}
	}
}
