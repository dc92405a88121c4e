// Package shopifytest is a Shopify shop for tests. It checks every call against the official schema of the
// version that is called, enforces what the schema cannot say, and keeps items, locations and quantities.
//
// Facts that the schema does not hold are from Shopify's pages on idempotent requests, compare and swap, API
// limits and search syntax.
package shopifytest

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Defaults of a shop.
const (
	// Token is the access token.
	Token = "shpat_5a1d0c" //nolint:gosec // that of a shop for tests
	// BucketSize is how many points the bucket holds.
	BucketSize = 2000
	// RestoreRate is how many points come back in a second.
	RestoreRate = 100
)

// Item is an inventory item.
type Item struct {
	ID, SKU string
	// Untracked items have no quantity that counts.
	Untracked bool
	// Bundle items cannot be set: their parts can.
	Bundle bool
	// Deleted items are found by search, whose index lags, but can be neither set nor read.
	Deleted bool
}

// Location is where stock lies.
type Location struct{ ID, Name string }

// Level is what lies of an item at a location.
type Level struct {
	OnHand int64
	// Committed is what open orders have taken of it.
	Committed int64
	// Set is how often it was set.
	Set int
}

// Available is what can be sold.
func (l Level) Available() int64 { return l.OnHand - l.Committed }

type itemLocation struct{ item, location string }

// Call is a call that had the right credentials.
type Call struct {
	Version, Operation string
	// Query and Variables are what was sent; Variables is JSON.
	Query, Variables string
}

// Shop is a shop. All methods are safe for concurrent use.
type Shop struct {
	fakeserver.Controls[Call]

	clock clock.PassiveClock

	mu        fakeserver.Mutex
	access    access
	items     []*Item
	locations []Location
	opened    int // locations so far
	levels    map[itemLocation]Level
	keys      map[string]attempt
	bucket    bucket
	pageSize  int
	terse     bool
	refusals  map[string][]UserError // by mutation
}

// New makes a shop without items, that takes the access token Token.
func New(c clock.PassiveClock) *Shop {
	return &Shop{
		clock: c, access: access{tokens: []string{Token}, scopes: []string{"write_inventory", "read_locations"}},
		levels: map[itemLocation]Level{}, keys: map[string]attempt{}, refusals: map[string][]UserError{},
		bucket: bucket{size: BucketSize, points: BucketSize, rate: RestoreRate, at: c.Now()},
	}
}

// AddLocation opens a location and returns its id.
func (s *Shop) AddLocation(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	id := fmt.Sprintf("gid://shopify/Location/%d", 21_999+s.opened)
	s.locations = append(s.locations, Location{id, name})
	return id
}

// CloseLocation closes a location for good.
func (s *Shop) CloseLocation(id string) {
	s.mu.Do(func() { s.locations = slices.DeleteFunc(s.locations, func(l Location) bool { return l.ID == id }) })
}

// AddItem adds an item that is stocked at locations, with nothing there, and returns its id.
func (s *Shop) AddItem(item Item, locationIDs ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	item.ID = fmt.Sprintf("gid://shopify/InventoryItem/%d", 11_000+len(s.items))
	s.items = append(s.items, &item)
	for _, location := range locationIDs {
		s.levels[itemLocation{item.ID, location}] = Level{}
	}
	return item.ID
}

// Change changes an item.
func (s *Shop) Change(id string, change func(*Item)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.item(id); it != nil {
		change(it)
	}
}

// WithSKU returns the ids of the items that have a SKU, and are not deleted.
func (s *Shop) WithSKU(sku string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, it := range s.items {
		if it.SKU == sku && !it.Deleted {
			out = append(out, it.ID)
		}
	}
	return out
}

// LocationNamed returns the id of the first location of that name.
func (s *Shop) LocationNamed(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.locations, func(l Location) bool { return l.Name == name })
	if i < 0 {
		return ""
	}
	return s.locations[i].ID
}

// Level returns what lies of an item at a location, and whether it is stocked there.
func (s *Shop) Level(itemID, locationID string) (Level, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.levels[itemLocation{itemID, locationID}]
	return l, ok
}

// Sell has orders take a number of an item, that are not shipped yet.
func (s *Shop) Sell(itemID, locationID string, number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.levels[itemLocation{itemID, locationID}]
	l.Committed += number
	s.levels[itemLocation{itemID, locationID}] = l
}

// Page limits the items of a page; 0 for what is asked.
func (s *Shop) Page(size int) { s.mu.Do(func() { s.pageSize = size }) }

// Terse has a mutation report only the first of its user errors.
func (s *Shop) Terse(terse bool) { s.mu.Do(func() { s.terse = terse }) }

// RefuseNext has the next calls of a mutation each fail with a user error.
func (s *Shop) RefuseNext(mutation string, errors ...UserError) {
	s.mu.Do(func() { s.refusals[mutation] = append(s.refusals[mutation], errors...) })
}

// Drain leaves a number of points in the bucket, less than none if it is negative.
func (s *Shop) Drain(points float64) {
	s.mu.Do(func() { s.bucket.points, s.bucket.at = points, s.clock.Now() })
}

// item returns an item that is not deleted; nil if there is none. The lock must be held.
func (s *Shop) item(id string) *Item {
	i := slices.IndexFunc(s.items, func(it *Item) bool { return it.ID == id && !it.Deleted })
	if i < 0 {
		return nil
	}
	return s.items[i]
}

// bucket holds the points that calls cost.
type bucket struct {
	size, points, rate float64
	at                 time.Time
}

// fill adds what has come back until now.
func (b *bucket) fill(now time.Time) {
	b.points = min(b.size, b.points+b.rate*now.Sub(b.at).Seconds())
	b.at = now
}
