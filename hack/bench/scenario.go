package main

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Scenario is what is measured on one control plane, which is started for it and thrown away after it.
type Scenario struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Sets are the runs that the scenario belongs to: short, full.
	Sets []string `json:"sets"`
	// Charts asks for growth curves over the whole scenario.
	Charts       bool           `json:"charts,omitempty"`
	ControlPlane ControlPlane   `json:"controlPlane,omitzero"`
	Managers     []ManagerGroup `json:"managers"`
	Tenants      Tenants        `json:"tenants"`
	Steps        []Step         `json:"steps"`
	Expect       []Expectation  `json:"expect,omitempty"`
}

// ControlPlane holds flags that differ from the defaults, without their leading dashes.
type ControlPlane struct {
	APIServerFlags map[string]string `json:"apiServerFlags,omitempty"`
	EtcdFlags      map[string]string `json:"etcdFlags,omitempty"`
}

// ManagerGroup is a number of equal manager processes. Several groups express several leaders.
type ManagerGroup struct {
	Count int `json:"count,omitempty"` // processes; 1 unless set
	// Tenants are the numbers of the tenants that the group serves, from 0; all of them unless set.
	// The namespace of tenant n is tenant-n.
	Tenants []int `json:"tenants,omitempty"`
	// LeaseNamespace is where the group elects its leader; tallyman-system unless set.
	LeaseNamespace string   `json:"leaseNamespace,omitempty"`
	Flags          []string `json:"flags,omitempty"` // beside addresses, namespaces and the lease's namespace
}

// Tenants are equal tenants, each in a namespace of its own.
type Tenants struct {
	Count     int                             `json:"count,omitempty"` // 1 unless set
	Locations int                             `json:"locations"`       // of each tenant
	Channels  []inventoryv1alpha1.ChannelMode `json:"channels,omitempty"`
}

// Step is one thing to do. Just one of the pointers is set.
type Step struct {
	Name      string     `json:"name"`
	Start     *Start     `json:"start,omitempty"`
	Stop      *Stop      `json:"stop,omitempty"`
	Residents *Residents `json:"residents,omitempty"`
	Load      *Load      `json:"load,omitempty"`
	Rest      *Rest      `json:"rest,omitempty"`
}

// Start starts managers and waits until they serve, one of each group leads, and channels are configured.
type Start struct {
	Groups []int `json:"groups,omitempty"` // numbers of manager groups, from 0; all of them unless set
}

// Stop ends all managers.
type Stop struct{}

// Residents stores stock as the fold would have written it, so that a million SKUs need no million
// of sent quantities. Channels count as in step with it.
type Residents struct {
	Locations   int `json:"locations"`   // of each tenant: the next ones that have no stock yet
	PerLocation int `json:"perLocation"` // SKUs of each
}

// Rest waits until everything is folded and pushed, and then looks on for a while.
type Rest struct {
	Duration metav1.Duration `json:"duration"`
}

// Order is how the SKUs of a load follow each other.
type Order string

// Orders of SKUs.
const (
	Sorted   Order = "Sorted"   // every SKU once, in pages of neighbours
	Shuffled Order = "Shuffled" // every SKU once, in pages of strangers
	Random   Order = "Random"   // any SKUs, again and again
)

// feeds reports whether the order sends every SKU once.
func (o Order) feeds() bool { return o != Random }

// Load sends batches.
type Load struct {
	Order     Order `json:"order"`
	Catalogue int   `json:"catalogue"` // SKUs of each location
	BatchSKUs int   `json:"batchSKUs"` // SKUs of each batch
	Senders   int   `json:"senders"`   // most batches under way at once
	// FirstLocation and Locations say which locations of each tenant get batches; all from
	// FirstLocation on unless set.
	FirstLocation int `json:"firstLocation,omitempty"`
	Locations     int `json:"locations,omitempty"`
	// FreshLocations lets every round have the next locations for its own.
	FreshLocations bool `json:"freshLocations,omitempty"`
	// Batches bounds a round of a Random load without a rate: as fast as answers come.
	Batches int `json:"batches,omitempty"`
	// BatchesPerSecond and Duration make the load an open one: batches leave when they are due,
	// whether or not earlier ones have been answered, and their latency counts from then.
	BatchesPerSecond float64         `json:"batchesPerSecond,omitempty"`
	Duration         metav1.Duration `json:"duration,omitzero"`
	// Rounds repeat the measurement; figures are medians over the rounds. 1 unless set.
	Rounds int `json:"rounds,omitempty"`
	// Baseline has each round begin with plain creates of the same batches by as many writers.
	Baseline bool `json:"baseline,omitempty"`
}

// Expectation is an aim for one figure.
type Expectation struct {
	Figure string `json:"figure"` // step.figure
	// Of is what is compared: the value, its ratio to the raw baseline, or its ratio to another figure.
	Of         Comparand `json:"of"`
	RelativeTo string    `json:"relativeTo,omitempty"` // step.figure
	AtLeast    *float64  `json:"atLeast,omitempty"`
	AtMost     *float64  `json:"atMost,omitempty"`
}

// Comparand is what an expectation looks at.
type Comparand string

// Comparands.
const (
	OfValue    Comparand = "Value"
	OfBaseline Comparand = "Baseline"
	OfFigure   Comparand = "Figure"
)

// settlePatience bounds the wait until everything is folded and pushed.
const settlePatience = 10 * time.Minute

// setDefaults fills in what may be left out.
func (s *Scenario) setDefaults() {
	orOne(&s.Tenants.Count)
	for i := range s.Managers {
		g := &s.Managers[i]
		orOne(&g.Count)
		if g.LeaseNamespace == "" {
			g.LeaseNamespace = systemNamespace
		}
		if g.Tenants == nil {
			for n := range s.Tenants.Count {
				g.Tenants = append(g.Tenants, n)
			}
		}
	}
	for i := range s.Steps {
		if start := s.Steps[i].Start; start != nil && start.Groups == nil {
			for n := range s.Managers {
				start.Groups = append(start.Groups, n)
			}
		}
		if l := s.Steps[i].Load; l != nil {
			orOne(&l.Rounds)
			if l.Locations == 0 {
				l.Locations = s.Tenants.Locations - l.FirstLocation
			}
		}
	}
}

func orOne(n *int) {
	if *n == 0 {
		*n = 1
	}
}
