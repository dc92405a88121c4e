package syncstate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Location is a Location of a channel's Client.
type Location struct {
	Name, Code string
	// Labels decide which rules of exposure apply.
	Labels labels.Set
	// Selected reports whether the channel sells from it.
	Selected bool
}

// Settings decide which units a channel has, and what of the stock it is shown.
type Settings struct {
	Mode  inventoryv1alpha1.ChannelMode
	Pools []int64
	// Exposure says how much of the stock the channel is shown.
	Exposure *exposure.Policy
	// Digest identifies all else that decides what the channel is told, and where it is.
	Digest string
	// Locations are those that the channel sells from, or whose stock it may still show.
	Locations []Location
}

// member is a Location as the digest of an epoch has it.
type member struct {
	Name, Code string
	// Matching identifies the rules of exposure that apply.
	Matching string
}

func (s *Settings) member(l *Location) member {
	return member{Name: l.Name, Code: l.Code, Matching: s.Exposure.Matching(l.Labels)}
}

// members returns the Locations that the channel sells from.
func (s *Settings) members() map[string]member {
	out := make(map[string]member, len(s.Locations))
	for i := range s.Locations {
		if l := &s.Locations[i]; l.Selected {
			out[l.Name] = s.member(l)
		}
	}
	return out
}

// EpochDigest identifies everything that decides what the channel is told.
func (s *Settings) EpochDigest() string {
	members := s.members()
	names := sets.KeySet(members)
	sorted := make([]member, 0, len(members))
	for _, name := range sets.List(names) {
		sorted = append(sorted, members[name])
	}
	raw, err := json.Marshal(struct {
		Digest  string
		Mode    inventoryv1alpha1.ChannelMode
		Pools   []int64
		Members []member
	}{s.Digest, s.Mode, s.Pools, sorted})
	if err != nil {
		panic(err) // strings always encode
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Shares reports whether the stock of a SKU at one Location decides what is shown at others.
func (s *Settings) Shares() bool {
	return s.Mode != inventoryv1alpha1.Consolidated && s.Exposure.Joins()
}

// Affected returns the Locations whose stock is shown differently from how earlier settings did; all
// reports whether that may be any.
func (s *Settings) Affected(earlier *Settings) (locations []string, all bool) {
	if earlier == nil || earlier.Digest != s.Digest || earlier.Mode != s.Mode || !slices.Equal(earlier.Pools, s.Pools) {
		return nil, true
	}
	before, after := earlier.members(), s.members()
	changed := sets.New[string]()
	for name, m := range after {
		if before[name] != m {
			changed.Insert(name)
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			changed.Insert(name)
		}
	}
	return sets.List(changed), changed.Len() > 0 && s.Shares()
}

// Scope is settings made ready to compute with. It never changes.
type Scope struct {
	Settings
	// Selling are the names of the Locations that the channel sells from, sorted.
	Selling []string
	// View decides what the channel is told.
	View *exposure.View

	namespace string
	byName    map[string]*Location
	pools     map[int64]bool
	keys      map[string][]ledger.PoolKey // of each Location
}

func newScope(namespace string, s Settings) *Scope {
	scope := &Scope{
		Settings: s, namespace: namespace,
		byName: make(map[string]*Location, len(s.Locations)),
		pools:  make(map[int64]bool, len(s.Pools)),
		keys:   make(map[string][]ledger.PoolKey, len(s.Locations)),
	}
	for _, id := range s.Pools {
		scope.pools[id] = true
	}
	var selected []exposure.Location
	for i := range s.Locations {
		l := &scope.Locations[i]
		scope.byName[l.Name] = l
		for _, id := range s.Pools {
			scope.keys[l.Name] = append(scope.keys[l.Name], ledger.PoolKey{Location: scope.key(l.Name), PoolID: id})
		}
		if l.Selected {
			scope.Selling = append(scope.Selling, l.Name)
			selected = append(selected, exposure.Location{Name: l.Name, Code: l.Code, Labels: l.Labels})
		}
	}
	slices.Sort(scope.Selling)
	scope.View = exposure.NewView(s.Mode, s.Exposure, selected)
	return scope
}

func (s *Scope) key(location string) ledger.LocationKey {
	return ledger.LocationKey{Namespace: s.namespace, Name: location}
}

// Location returns a Location that the channel sells from, or whose stock it may still show; nil where it is neither.
func (s *Scope) Location(name string) *Location { return s.byName[name] }

// Keys returns the pools of a Location that the channel sells from.
func (s *Scope) Keys(location string) []ledger.PoolKey { return s.keys[location] }

// Unit returns the unit that a SKU at a Location belongs to.
func (s *Scope) Unit(location, sku string) Unit {
	if s.Mode == inventoryv1alpha1.Consolidated {
		location = ""
	}
	return Unit{location, sku}
}

// sells reports whether the channel sells from a Location.
func (s *Scope) sells(location string) bool {
	l := s.byName[location]
	return l != nil && l.Selected
}

// Trigger returns the Location that a push of the unit is reported for: its own, else the first one that the channel
// sells from; empty where there is none.
func (s *Scope) Trigger(u Unit) string {
	if u.Location == "" && len(s.Selling) > 0 {
		return s.Selling[0]
	}
	return u.Location
}
