package channel_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// parrot confirms and reads back what it is given, but for one SKU.
type parrot struct {
	got []channel.Item
}

const unloved = "shop-C"

func (p *parrot) Limits() channel.Limits { return channel.Limits{BatchSize: 10, MaxParallel: 1} }

func (p *parrot) Probe(context.Context) error { return nil }

func (p *parrot) Push(_ context.Context, b channel.Batch) (channel.Result, error) {
	p.got = b.Items
	out := channel.Result{Failures: map[int]*channel.Error{}}
	for i, it := range b.Items {
		if it.SKU == unloved {
			out.Failures[i] = channel.NewError(channel.Rejected, "Unloved", "no")
		}
	}
	return out, nil
}

func (p *parrot) Read(ctx context.Context, b channel.Batch) (channel.Readings, error) {
	result, err := p.Push(ctx, b)
	out := channel.Readings{Quantities: map[int]int64{}, Failures: result.Failures}
	for i := range b.Items {
		if result.Failures[i] == nil {
			out.Quantities[i] = int64(i)
		}
	}
	return out, err
}

func mappedParrot(t *testing.T, spec inventoryv1alpha1.ChannelSpec, table map[string]string) (*parrot, channel.Connector, error) {
	t.Helper()
	p := &parrot{}
	spec.Type = "Parrot"
	registry, err := channel.NewRegistry(channel.Registration{
		Type: "Parrot", Factory: func(channel.Config) (channel.Connector, error) { return p, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := registry.New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: spec}, SKUTable: table, Clock: clock.RealClock{},
	})
	return p, c, err
}

func TestMapping(t *testing.T) {
	t.Parallel()
	type names map[string]string // what the channel was told, by its own SKU: the location
	for name, tc := range map[string]struct {
		sku       *inventoryv1alpha1.SKUMapping
		table     map[string]string
		mode      inventoryv1alpha1.ChannelMode
		items     []channel.Item
		want      names
		wantFails map[int]string
	}{
		"nothing": {
			items: []channel.Item{{SKU: "A", LocationCode: "wd"}, {SKU: "A", LocationCode: "store"}},
			want:  names{"A": "store"},
		},
		"prefix and suffix": {
			sku:       &inventoryv1alpha1.SKUMapping{Prefix: "shop-", Suffix: "-x"},
			items:     []channel.Item{{SKU: "A", LocationCode: "wd"}},
			want:      names{"shop-A-x": "gid://1"},
			wantFails: nil,
		},
		"pattern before prefix": {
			sku: &inventoryv1alpha1.SKUMapping{
				Prefix: "shop-", Pattern: &inventoryv1alpha1.SKUPattern{Match: "^0*([1-9])", Replace: "$1"},
			},
			items: []channel.Item{{SKU: "0012", LocationCode: "wd"}},
			want:  names{"shop-12": "gid://1"},
		},
		"failures keep their index": {
			sku:       &inventoryv1alpha1.SKUMapping{Prefix: "shop-", Unlisted: "Refuse"},
			table:     map[string]string{"B": "bee", "C": unloved},
			items:     []channel.Item{{SKU: "A"}, {SKU: "B"}, {SKU: "C"}},
			want:      names{"bee": "", unloved: ""},
			wantFails: map[int]string{0: "Unmapped/UnlistedSKU", 2: "Rejected/Unloved"},
		},
		"a name of the table is taken": {
			sku:       &inventoryv1alpha1.SKUMapping{Suffix: "1"},
			table:     map[string]string{"B": "A1"},
			items:     []channel.Item{{SKU: "A"}, {SKU: "B"}},
			want:      names{"A1": ""},
			wantFails: map[int]string{0: "Unmapped/AmbiguousSKU"},
		},
		"two SKUs, one name": {
			sku:       &inventoryv1alpha1.SKUMapping{Pattern: &inventoryv1alpha1.SKUPattern{Match: "[0-9]"}},
			items:     []channel.Item{{SKU: "A1"}, {SKU: "A2"}, {SKU: "B1"}},
			want:      names{"B": ""},
			wantFails: map[int]string{0: "Unmapped/AmbiguousSKU", 1: "Unmapped/AmbiguousSKU"},
		},
		"one SKU at two locations": {
			sku:   &inventoryv1alpha1.SKUMapping{Suffix: "1"},
			items: []channel.Item{{SKU: "A", LocationCode: "store"}, {SKU: "A", LocationCode: "wd"}},
			want:  names{"A1": "gid://1"},
		},
		"consolidated, the location is only the trigger": {
			sku:       &inventoryv1alpha1.SKUMapping{Pattern: &inventoryv1alpha1.SKUPattern{Match: "[0-9]"}},
			mode:      inventoryv1alpha1.Consolidated,
			items:     []channel.Item{{SKU: "A1", LocationCode: "wd"}, {SKU: "A2", LocationCode: "store"}},
			wantFails: map[int]string{0: "Unmapped/AmbiguousSKU", 1: "Unmapped/AmbiguousSKU"},
		},
		"nothing left of a SKU": {
			sku:       &inventoryv1alpha1.SKUMapping{Pattern: &inventoryv1alpha1.SKUPattern{Match: ".*"}},
			items:     []channel.Item{{SKU: "A1"}},
			wantFails: map[int]string{0: "Unmapped/UnlistedSKU"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := inventoryv1alpha1.ChannelSpec{SKUMapping: tc.sku}
			if tc.sku != nil {
				spec.LocationMapping = []inventoryv1alpha1.LocationMapping{{Code: "wd", ChannelCode: "gid://1"}}
			}
			p, c, err := mappedParrot(t, spec, tc.table)
			if err != nil {
				t.Fatal(err)
			}
			batch := channel.Batch{Mode: tc.mode, Items: tc.items}
			result, err := c.Push(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			var got names
			for _, it := range p.got {
				if got == nil {
					got = names{}
				}
				got[it.SKU] = it.LocationCode
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the channel's names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantFails, reasons(result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			readings, err := c.(channel.Reader).Read(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.wantFails, reasons(readings.Failures)); diff != "" {
				t.Errorf("failures to read (-want +got):\n%s", diff)
			}
			if n := len(readings.Quantities) + len(readings.Failures); n != len(tc.items) {
				t.Errorf("%d items are accounted for, want %d", n, len(tc.items))
			}
		})
	}
}

// reasons returns class and reason of failures; nil for none.
func reasons(failures map[int]*channel.Error) map[int]string {
	var out map[int]string
	for i, err := range failures {
		if out == nil {
			out = map[int]string{}
		}
		out[i] = string(err.Class) + "/" + string(err.Reason)
	}
	return out
}

func TestBadMapping(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sku   inventoryv1alpha1.SKUMapping
		table map[string]string
		want  string
	}{
		"expression": {
			sku:  inventoryv1alpha1.SKUMapping{Pattern: &inventoryv1alpha1.SKUPattern{Match: "("}},
			want: "InvalidSKUMapping: spec.skuMapping.pattern.match: error parsing regexp: missing closing ): `(`",
		},
		"table": {
			table: map[string]string{"A": "x", "B": "x"},
			want:  `InvalidSKUMapping: spec.skuMapping.tableRef: "x" is the name of two SKUs, "A" and "B"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := mappedParrot(t, inventoryv1alpha1.ChannelSpec{SKUMapping: &tc.sku}, tc.table)
			if err == nil || err.Error() != tc.want || channel.AsError(err).Class != channel.Terminal {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}
