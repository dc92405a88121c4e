package contract

import (
	"tallyman.dev/tallyman/controllers/channel"
)

// catalog returns the server as a Catalog, and skips the case where the channel takes any SKU.
func (h *harness) catalog() Catalog {
	h.Helper()
	c, ok := h.Server.(Catalog)
	if !ok {
		h.Skip("the channel has no items of its own")
	}
	return c
}

// unmapped pushes a good SKU with one that the channel cannot identify.
func (h *harness) unmapped(sku string, reason channel.Reason) {
	h.Helper()
	b := h.batch(5, "GOOD-1", sku)
	result, err := h.push(b)
	if err != nil {
		h.Fatalf("Push: %v", err)
	}
	failure := result.Failures[1]
	if failure == nil || len(result.Failures) != 1 {
		h.Fatalf("failures %v, want one, of item 1", result.Failures)
	}
	if failure.Class != channel.Unmapped || failure.Reason != reason {
		h.Errorf("%s/%s, want %s/%s", failure.Class, failure.Reason, channel.Unmapped, reason)
	}
	h.presentable(failure)
	h.holds(h.batch(5, "GOOD-1"))
}

func unknownSKU(h *harness) {
	h.catalog()
	h.unmapped(Refused, "UnknownSKU")
}

// ambiguousSKU has two items with one SKU: neither is touched.
func ambiguousSKU(h *harness) {
	c := h.catalog()
	if h.uniqueSKUs {
		h.Skip("the channel keeps SKUs unique")
	}
	c.Know("TWICE")
	c.Duplicate("TWICE")
	h.unmapped("TWICE", "AmbiguousSKU")
	if got, ok := h.quantity(h.batch(5, "TWICE").Items[0]); ok {
		h.Errorf("the channel was told %d", got)
	}
}

// failedLookup breaks the server before it is asked for a SKU the first time: that the SKU could
// not be looked up must not be taken for that there is none.
func failedLookup(h *harness) {
	h.catalog()
	b := h.batch(1, "A")
	h.Behave(Break)
	h.fails(b, channel.Retry)
	h.Behave(Accept)
	h.confirm(b)
}

// renamedSKU gives an item that was pushed another SKU, and its SKU to another item: what was
// remembered of both must not decide where a quantity goes.
func renamedSKU(h *harness) {
	c := h.catalog()
	h.confirm(h.batch(1, "OLD"))
	c.Rename("OLD", "NEW")
	h.confirm(h.batch(2, "NEW"))
	c.Know("OLD") // another item
	h.confirm(h.batch(3, "OLD"))
	h.holds(h.batch(2, "NEW"))
}

func readBack(h *harness) {
	reader, ok := h.connector.(channel.Reader)
	if !ok {
		h.Skip("the channel cannot be read back")
	}
	h.confirm(h.batch(7, "A"))
	h.confirm(h.batch(0, "SOLD-OUT"))
	b := h.batch(99, "A", "SOLD-OUT")
	_, knows := h.Server.(Catalog)
	if knows {
		b = h.batch(99, "A", "SOLD-OUT", Refused)
	}
	readings, err := reader.Read(h.Context(), b)
	if err != nil {
		h.Fatalf("Read: %v", err)
	}
	if got, ok := readings.Quantities[0]; !ok || got != 7 {
		h.Errorf("A: read %d (%v), want 7", got, ok)
	}
	if got, ok := readings.Quantities[1]; !ok || got != 0 {
		h.Errorf("SOLD-OUT: read %d (%v), want 0", got, ok)
	}
	if knows && (readings.Failures[2] == nil || readings.Failures[2].Class != channel.Unmapped) {
		h.Errorf("%s: %v, want an error of class %s", Refused, readings.Failures[2], channel.Unmapped)
	}
	h.holds(h.batch(7, "A"))
}
