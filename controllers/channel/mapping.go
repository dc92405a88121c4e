package channel

import (
	"context"
	"fmt"
	"regexp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// mapping changes SKUs and location codes into what the channel calls them.
type mapping struct {
	spec      inventoryv1alpha1.SKUMapping
	match     *regexp.Regexp // nil for none
	table     map[string]string
	listed    map[string]string // the table the other way round
	locations map[string]string
}

// newMapping reads the mapping of a Channel. Its error is an *Error of class Terminal.
func newMapping(cfg Config) (*mapping, error) {
	m := &mapping{table: cfg.SKUTable, locations: map[string]string{}, listed: make(map[string]string, len(cfg.SKUTable))}
	for _, l := range cfg.Channel.Spec.LocationMapping {
		m.locations[l.Code] = l.ChannelCode
	}
	if cfg.Channel.Spec.SKUMapping == nil {
		return m, nil
	}
	m.spec = *cfg.Channel.Spec.SKUMapping
	if p := m.spec.Pattern; p != nil {
		var err error
		if m.match, err = regexp.Compile(p.Match); err != nil {
			return nil, NewError(Terminal, ReasonInvalidSKUMapping, fmt.Sprintf("spec.skuMapping.pattern.match: %v", err))
		}
	}
	for sku, name := range cfg.SKUTable {
		if other, twice := m.listed[name]; twice {
			return nil, NewError(Terminal, ReasonInvalidSKUMapping, fmt.Sprintf(
				"spec.skuMapping.tableRef: %q is the name of two SKUs, %q and %q", name, min(sku, other), max(sku, other)))
		}
		m.listed[name] = sku
	}
	return m, nil
}

// around makes a connector that is given Tallyman's names, and stays a Reader if c is one.
func (m *mapping) around(c Connector) Connector {
	if m.spec == (inventoryv1alpha1.SKUMapping{}) && len(m.locations) == 0 {
		return c
	}
	if reader, ok := c.(Reader); ok {
		return mappedReader{mapped{c, m}, reader}
	}
	return mapped{c, m}
}

// sku returns what the channel calls a SKU, or why it is not pushed.
func (m *mapping) sku(sku string) (string, *Error) {
	if name, ok := m.table[sku]; ok {
		return name, nil
	}
	if m.spec.Unlisted == "Refuse" {
		return "", NewError(Unmapped, ReasonUnlistedSKU, "the table of spec.skuMapping does not list the SKU, and refuses what it does not list")
	}
	name := sku
	if m.match != nil {
		name = m.match.ReplaceAllString(name, m.spec.Pattern.Replace)
	}
	name = m.spec.Prefix + name + m.spec.Suffix
	switch other, taken := m.listed[name]; {
	case name == "":
		return "", NewError(Unmapped, ReasonUnlistedSKU, "spec.skuMapping leaves nothing of the SKU")
	case taken:
		return "", ambiguous(name, other)
	}
	return name, nil
}

func ambiguous(name, other string) *Error {
	return NewError(Unmapped, ReasonAmbiguousSKU, fmt.Sprintf("spec.skuMapping gives the name %q to SKU %q, too", name, other))
}

// batch returns what is left of a batch in the channel's names, with the index of each item in the
// original, and the items that have no name of their own.
func (m *mapping) batch(b Batch) (out Batch, index []int, failures map[int]*Error) {
	out, failures = b, map[int]*Error{}
	named := make([]Item, len(b.Items))
	first := make(map[quantityKey]int, len(b.Items))
	for i, it := range b.Items {
		var err *Error
		if named[i], err = m.item(it); err != nil {
			failures[i] = err
			continue
		}
		at := quantityKey{named[i].SKU, b.LocationOf(named[i], "")}
		if j, twice := first[at]; twice {
			failures[i], failures[j] = ambiguous(at.sku, b.Items[j].SKU), ambiguous(at.sku, it.SKU)
			continue
		}
		first[at] = i
	}
	out.Items = make([]Item, 0, len(b.Items))
	for i := range named {
		if failures[i] == nil {
			out.Items, index = append(out.Items, named[i]), append(index, i)
		}
	}
	return out, index, failures
}

// item returns an item in the channel's names.
func (m *mapping) item(it Item) (Item, *Error) {
	name, err := m.sku(it.SKU)
	if err != nil {
		return it, err
	}
	it.SKU = name
	if code, ok := m.locations[it.LocationCode]; ok {
		it.LocationCode = code
	}
	return it, nil
}

// quantityKey is what a channel has one quantity of; without a location in Consolidated mode.
type quantityKey struct{ sku, location string }

// mapped is a connector that is given Tallyman's names.
type mapped struct {
	Connector
	mapping *mapping
}

// Close implements io.Closer.
func (m mapped) Close() error { return Close(m.Connector) }

// Push implements Connector.
func (m mapped) Push(ctx context.Context, b Batch) (Result, error) {
	b, index, failures := m.mapping.batch(b)
	if len(b.Items) == 0 {
		return Result{Failures: failures}, nil
	}
	result, err := m.Connector.Push(ctx, b)
	if err != nil {
		return Result{}, err
	}
	for i, failure := range result.Failures {
		failures[index[i]] = failure
	}
	return Result{Failures: failures}, nil
}

// mappedReader is a Reader that is given Tallyman's names.
type mappedReader struct {
	mapped
	reader Reader
}

// Read implements Reader.
func (m mappedReader) Read(ctx context.Context, b Batch) (Readings, error) {
	b, index, failures := m.mapping.batch(b)
	out := Readings{Quantities: make(map[int]int64, len(b.Items)), Failures: failures}
	if len(b.Items) == 0 {
		return out, nil
	}
	readings, err := m.reader.Read(ctx, b)
	if err != nil {
		return Readings{}, err
	}
	for i, quantity := range readings.Quantities {
		out.Quantities[index[i]] = quantity
	}
	for i, failure := range readings.Failures {
		out.Failures[index[i]] = failure
	}
	return out, nil
}
