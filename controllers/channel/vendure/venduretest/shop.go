// Package venduretest plays the Admin API of a Vendure shop, as far as the connector asks it. It answers
// what Vendure 3.7 answered when it was asked the same.
package venduretest

import (
	"strconv"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// DefaultLocation is the id of the stock location of a new shop.
const DefaultLocation = "1"

// DefaultToken is the token of the default channel.
const DefaultToken = "default-channel-token"

// Permissions of an administrator who may do all that the connector needs.
var Permissions = []string{"Authenticated", "ReadCatalog", "UpdateCatalog"}

// Location is a stock location.
type Location struct{ ID, Name string }

// Variant is a product variant.
type Variant struct {
	ID, SKU string
	// Track is TRUE, FALSE or INHERIT, which it is unless set.
	Track string
	// OnHand and Allocated are by location.
	OnHand, Allocated map[string]int64
}

// Shop is an http.Handler. It is safe for concurrent use.
type Shop struct {
	fakeserver.Controls[string] // names of operations

	mu                         fakeserver.Mutex
	username, password, apiKey string
	cookies                    bool
	sessions                   map[string]bool
	permissions                []string
	trackAll                   bool
	maxTake                    int
	lastID                     int
	locations                  []Location
	variants                   []*Variant
	set                        map[string]bool // by variant and location
	refused                    map[string]Failure
	race                       int64
}

// Failure is an error that a shop answers.
type Failure struct{ Code, Message string }

// New makes a shop with one administrator, the default location and no variants.
func New(username, password string) *Shop {
	return &Shop{
		username: username, password: password, sessions: map[string]bool{}, permissions: Permissions, trackAll: true, maxTake: 1000,
		lastID: 10, locations: []Location{{DefaultLocation, "Default Stock Location"}}, set: map[string]bool{}, refused: map[string]Failure{},
	}
}

func (s *Shop) nextID() string {
	s.lastID++
	return strconv.Itoa(s.lastID)
}

// AddLocation adds a stock location and returns its id.
func (s *Shop) AddLocation(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Location{s.nextID(), name}
	s.locations = append(s.locations, l)
	return l.ID
}

// AddVariant adds a variant and returns its id. Vendure lets several have one SKU.
func (s *Shop) AddVariant(v Variant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ID = s.nextID()
	if v.Track == "" {
		v.Track = "INHERIT"
	}
	if v.OnHand == nil {
		v.OnHand = map[string]int64{}
	}
	s.variants = append(s.variants, &v)
	return v.ID
}

// ChangeVariants changes every variant with a SKU.
func (s *Shop) ChangeVariants(sku string, change func(*Variant)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.variants {
		if v.SKU == sku {
			change(v)
		}
	}
}

// DeleteVariants deletes every variant with a SKU.
func (s *Shop) DeleteVariants(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*Variant
	for _, v := range s.variants {
		if v.SKU != sku {
			kept = append(kept, v)
		}
	}
	s.variants = kept
}

// Find returns the variants with a SKU.
func (s *Shop) Find(sku string) []Variant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Variant
	for _, v := range s.variants {
		if v.SKU == sku {
			out = append(out, *v)
		}
	}
	return out
}

// OnHand returns what lies at a location of the one variant with a SKU, and whether it was ever set.
func (s *Shop) OnHand(sku, location string) (onHand int64, told bool) {
	found := s.Find(sku)
	if len(found) != 1 {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return found[0].OnHand[location], s.set[found[0].ID+" "+location]
}

// SetPassword changes the administrator's password and ends all sessions.
func (s *Shop) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
	clear(s.sessions)
}

// EndSessions ends all sessions.
func (s *Shop) EndSessions() { s.mu.Do(func() { clear(s.sessions) }) }

// GiveCookies has logins answered with cookies alone, as where tokenMethod is cookie.
func (s *Shop) GiveCookies() { s.mu.Do(func() { s.cookies = true }) }

// AcceptKey accepts an API key, too.
func (s *Shop) AcceptKey(key string) { s.mu.Do(func() { s.apiKey = key }) }

// Permit changes the administrator's permissions.
func (s *Shop) Permit(permissions ...string) { s.mu.Do(func() { s.permissions = permissions }) }

// TrackAll chooses whether variants are tracked that inherit it.
func (s *Shop) TrackAll(track bool) { s.mu.Do(func() { s.trackAll = track }) }

// LimitLists bounds how many items a list returns at once; more make no error.
func (s *Shop) LimitLists(items int) { s.mu.Do(func() { s.maxTake = items }) }

// Race adds to every quantity that is set, as a call does that was given up and is still at work.
func (s *Shop) Race(change int64) { s.mu.Do(func() { s.race = change }) }

// Refuse makes an operation fail; an empty failure ends that.
func (s *Shop) Refuse(operation string, f Failure) { s.mu.Do(func() { s.refused[operation] = f }) }
