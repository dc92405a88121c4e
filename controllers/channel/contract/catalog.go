package contract

import (
	"tallyman.dev/tallyman/controllers/channel"
)

// catalog returns the server as a Catalog, and skips the case where the channel takes any SKU.
func (s *stage) catalog() Catalog {
	s.Helper()
	c, ok := s.Server.(Catalog)
	if !ok {
		s.Skip("the channel has no items of its own")
	}
	return c
}

// unmapped pushes a good SKU with one that the channel cannot identify.
func (s *stage) unmapped(sku string, reason channel.Reason) {
	s.Helper()
	b := s.batch(5, "GOOD-1", sku)
	result, err := s.push(b)
	if err != nil {
		s.Fatalf("Push: %v", err)
	}
	failure := result.Failures[1]
	if failure == nil || len(result.Failures) != 1 {
		s.Fatalf("failures %v, want one, of item 1", result.Failures)
	}
	if failure.Class != channel.Unmapped || failure.Reason != reason {
		s.Errorf("%s/%s, want %s/%s", failure.Class, failure.Reason, channel.Unmapped, reason)
	}
	s.presentable(failure)
	s.holds(s.batch(5, "GOOD-1"))
}

func unknownSKU(s *stage) {
	s.catalog()
	s.unmapped(Refused, "UnknownSKU")
}

// ambiguousSKU has two items with one SKU: neither is touched.
func ambiguousSKU(s *stage) {
	c := s.catalog()
	if s.uniqueSKUs {
		s.Skip("the channel keeps SKUs unique")
	}
	c.Know("TWICE")
	c.Duplicate("TWICE")
	s.unmapped("TWICE", "AmbiguousSKU")
	if got, ok := s.quantity(s.batch(5, "TWICE").Items[0]); ok {
		s.Errorf("the channel was told %d", got)
	}
}

// failedLookup breaks the server before it is asked for a SKU the first time: that the SKU could
// not be looked up must not be taken for that there is none.
func failedLookup(s *stage) {
	s.catalog()
	b := s.batch(1, "A")
	s.Behave(Break)
	s.fails(b, channel.Retry)
	s.Behave(Accept)
	s.confirm(b)
}

// renamedSKU gives an item that was pushed another SKU, and its SKU to another item: what was
// remembered of both must not decide where a quantity goes.
func renamedSKU(s *stage) {
	c := s.catalog()
	s.confirm(s.batch(1, "OLD"))
	c.Rename("OLD", "NEW")
	s.confirm(s.batch(2, "NEW"))
	c.Know("OLD") // another item
	s.confirm(s.batch(3, "OLD"))
	s.holds(s.batch(2, "NEW"))
}

func readBack(s *stage) {
	reader, ok := s.connector.(channel.Reader)
	if !ok {
		s.Skip("the channel cannot be read back")
	}
	s.confirm(s.batch(7, "A"))
	s.confirm(s.batch(0, "SOLD-OUT"))
	b := s.batch(99, "A", "SOLD-OUT")
	_, knows := s.Server.(Catalog)
	if knows {
		b = s.batch(99, "A", "SOLD-OUT", Refused)
	}
	readings, err := reader.Read(s.Context(), b)
	if err != nil {
		s.Fatalf("Read: %v", err)
	}
	if got, ok := readings.Quantities[0]; !ok || got != 7 {
		s.Errorf("A: read %d (%v), want 7", got, ok)
	}
	if got, ok := readings.Quantities[1]; !ok || got != 0 {
		s.Errorf("SOLD-OUT: read %d (%v), want 0", got, ok)
	}
	if knows && (readings.Failures[2] == nil || readings.Failures[2].Class != channel.Unmapped) {
		s.Errorf("%s: %v, want an error of class %s", Refused, readings.Failures[2], channel.Unmapped)
	}
	s.holds(s.batch(7, "A"))
}
