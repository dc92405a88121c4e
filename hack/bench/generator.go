package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// maxCatalogue is the most SKUs of a location that names have digits for.
	maxCatalogue = 1_000_000_000

	// seed of everything that is drawn: two runs send the same SKUs.
	seed = 20_240_229
)

// locationIndex is a location of a tenant, by the numbers of both.
type locationIndex struct{ tenant, location int }

func (p locationIndex) namespace() string { return tenantNamespace(p.tenant) }

// name is both the Location's name and its code.
func (p locationIndex) name() string { return fmt.Sprintf("loc-%04d", p.location) }

// sku names a SKU, in 20 characters as many catalogues have. No SKU is at two locations, so that what a channel
// is told of it, summed or not, is what was sent.
func (p locationIndex) sku(i int) string {
	return fmt.Sprintf("SKU%03d%04d-%09d", p.tenant, p.location, i)
}

// batch is what one request sends.
type batch struct {
	locationIndex
	skus     []string
	quantity inventoryv1alpha1.Quantity // of all its SKUs, larger than any that they had before
}

// generator draws the batches of one round. It is deterministic for each sender; which sender of a
// feed sends which page is not.
type generator struct {
	load        *Load
	locations   []locationIndex
	base        int   // quantities are above it
	perm        []int // shuffled feed: the catalogue's order
	next        atomic.Int64
	draws       []*rand.Rand // one for each sender
	sent        []int        // batches of each sender
	perLocation int          // pages of a location
}

// newGenerator makes the generator of a round. Rounds are counted over the whole scenario; later ones send larger
// quantities, so that every one changes something.
func newGenerator(l *Load, tenants, locationRound, round int) *generator {
	g := &generator{load: l, base: round * maxBatches, sent: make([]int, l.Senders)}
	first := l.FirstLocation
	if l.FreshLocations {
		first += locationRound * l.Locations
	}
	for location := first; location < first+l.Locations; location++ {
		for tenant := range tenants {
			g.locations = append(g.locations, locationIndex{tenant, location})
		}
	}
	for sender := range l.Senders {
		g.draws = append(g.draws, rand.New(rand.NewPCG(seed, uint64(round)<<32|uint64(sender))))
	}
	if l.Order == Shuffled {
		g.perm = rand.New(rand.NewPCG(seed, uint64(round))).Perm(l.Catalogue)
	}
	g.perLocation = (l.Catalogue + l.BatchSKUs - 1) / l.BatchSKUs
	return g
}

// total is the number of batches of the round.
func (g *generator) total() int {
	if g.load.Order.feeds() {
		return g.perLocation * len(g.locations)
	}
	return g.load.total()
}

// batch returns the next batch of a sender, and false where the round is over.
func (g *generator) batch(sender int) (batch, bool) {
	n := int(g.next.Add(1)) - 1
	if n >= g.total() {
		return batch{}, false
	}
	if g.load.Order.feeds() {
		return g.page(n), true
	}
	return g.random(sender), true
}

// page returns the n-th page of a feed, one location after the other.
func (g *generator) page(n int) batch {
	b := batch{locationIndex: g.locations[n/g.perLocation], quantity: quantity(g.base + 1 + n)}
	first := n % g.perLocation * g.load.BatchSKUs
	for i := first; i < min(first+g.load.BatchSKUs, g.load.Catalogue); i++ {
		at := i
		if g.perm != nil {
			at = g.perm[i]
		}
		b.skus = append(b.skus, b.sku(at))
	}
	return b
}

// random draws SKUs of the sender's share of the catalogue: those whose number leaves the sender's
// as remainder.
func (g *generator) random(sender int) batch {
	draw, share := g.draws[sender], g.load.Catalogue/g.load.Senders
	g.sent[sender]++
	b := batch{locationIndex: g.locations[draw.IntN(len(g.locations))], quantity: quantity(g.base + g.sent[sender])}
	drawn := make(map[int]bool, g.load.BatchSKUs)
	for len(b.skus) < g.load.BatchSKUs {
		i := draw.IntN(share)
		if !drawn[i] {
			drawn[i] = true
			b.skus = append(b.skus, b.sku(i*g.load.Senders+sender))
		}
	}
	return b
}

func quantity(n int) inventoryv1alpha1.Quantity {
	return inventoryv1alpha1.Quantity(n % inventoryv1alpha1.MaxQuantity)
}
