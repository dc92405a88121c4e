package simulation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// gardener changes what a tenant has declared.
type gardener struct {
	*tenant
	*chance
}

// work does one thing after the other until the context ends, and then leaves a garden in which all can grow.
func (g *gardener) work(ctx context.Context) {
	deeds := []func(ctx context.Context){
		g.relabel, g.relabel, g.relabel, g.deselect, g.respec, g.thereAndBack, g.suspend, g.suspend, g.rotate, g.rotate,
		g.vanish, g.repush, g.removeLocation, g.removeChannel, g.annoy, g.annoy, g.annoy, g.tamper,
	}
	for pause(ctx, g.upTo(1500*time.Millisecond)) {
		deeds[g.n(len(deeds))](ctx)
	}
	for _, code := range g.codes {
		g.restoreLocation(code)
	}
	for _, name := range g.channels {
		g.openChannel(g.chance, name)
	}
}

func (g *gardener) channel() string { return g.channels[g.n(len(g.channels))] }
func (g *gardener) code() string    { return g.codes[g.n(len(g.codes))] }

// relabel has other rules of exposure apply to a Location.
func (g *gardener) relabel(context.Context) {
	g.setLabel(g.code(), "zone", []string{"north", "south"}[g.n(2)])
}

// deselect has channels sell from a Location, or not any more.
func (g *gardener) deselect(context.Context) {
	code, value := g.code(), []string{"yes", "no"}[g.n(2)]
	g.setLabel(code, "sells", value)
}

func (g *gardener) setLabel(code, label, value string) {
	g.note("%s: label %s=%s", g.location(code), label, value)
	edit(g.api, g.location(code), func(l *inventoryv1alpha1.Location) { l.Labels[label] = value })
}

// exposures are what a channel may be shown.
func exposures() []*inventoryv1alpha1.Exposure {
	limits := func(name string, l inventoryv1alpha1.ExposureLimits, zone string, skus ...inventoryv1alpha1.SKUExpression) inventoryv1alpha1.ExposureRule {
		r := inventoryv1alpha1.ExposureRule{Name: name, SKUs: skus, Limits: l}
		if zone != "" {
			r.LocationSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"zone": zone}}
		}
		return r
	}
	out := []*inventoryv1alpha1.Exposure{
		nil,
		{Rules: []inventoryv1alpha1.ExposureRule{
			limits("few in the north", inventoryv1alpha1.ExposureLimits{Cap: new(int64(2))}, "north"),
			limits("buffer", inventoryv1alpha1.ExposureLimits{SafetyStock: new(int64(1))}, "", "[a-f]"),
		}},
		{Rules: []inventoryv1alpha1.ExposureRule{
			limits("half", inventoryv1alpha1.ExposureLimits{Percentage: new(int32(50)), ZeroBelow: new(int64(2))}, ""),
		}},
		{ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"[ab]"}},
	}
	if !spares(ignored) {
		out = append(out, &inventoryv1alpha1.Exposure{IncludeSKUs: []inventoryv1alpha1.SKUExpression{"[a-h]"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected})
	}
	return append(out, total(12), total(6))
}

// respec has a channel be shown something else.
func (g *gardener) respec(context.Context) { g.expose(g.channel(), g.n(len(exposures()))) }

// thereAndBack has it be shown something else for a while.
func (g *gardener) thereAndBack(ctx context.Context) {
	name := g.channel()
	a, b := g.n(len(exposures())), g.n(len(exposures()))
	g.expose(name, a)
	pause(ctx, g.upTo(2*time.Second))
	g.expose(name, b)
	pause(ctx, g.upTo(2*time.Second))
	g.expose(name, a)
}

func (g *gardener) expose(name string, i int) {
	e := exposures()[i]
	g.note("%s: exposure %d", g.key(name), i)
	edit(g.api, g.key(name), func(ch *inventoryv1alpha1.Channel) {
		ch.Spec.Exposure = e
	})
	if s := g.shopOf(name); s != nil {
		s.limit(e)
	}
}

// renew asks for a push of everything.
func (g *gardener) renew(ch *inventoryv1alpha1.Channel) {
	ch.Annotations = map[string]string{inventoryv1alpha1.RepushAnnotation: fmt.Sprint(time.Now().UnixNano(), g.n(1000))}
}

func (g *gardener) repush(context.Context) {
	name := g.channel()
	g.note("%s: push all", g.key(name))
	edit(g.api, g.key(name), g.renew)
}

// suspend stops a channel, or has it go on.
func (g *gardener) suspend(context.Context) {
	name, stop := g.channel(), g.n(2) == 0
	if stop && spares(suspended) && g.deleting() {
		return
	}
	g.note("%s: suspended: %v", g.key(name), stop)
	edit(g.api, g.key(name), func(ch *inventoryv1alpha1.Channel) { ch.Spec.Suspend = new(stop) })
}

// deleting reports whether a Location is on its way out.
func (g *gardener) deleting() bool {
	for _, code := range g.codes {
		if l, there := present[*inventoryv1alpha1.Location](g.api, g.location(code)); there && l.DeletionTimestamp != nil {
			return true
		}
	}
	return false
}

// stopped reports whether a channel is suspended.
func (g *gardener) stopped() bool {
	for _, name := range g.channels {
		if ch, there := present[*inventoryv1alpha1.Channel](g.api, g.key(name)); there && ch.Suspended() {
			return true
		}
	}
	return false
}

// rotate changes a password.
func (g *gardener) rotate(context.Context) {
	name := g.channel()
	g.note("%s: password", g.key(name))
	g.tenant.rotate(name)
}

// vanish takes a Secret away for a while.
func (g *gardener) vanish(ctx context.Context) {
	name := g.channel()
	secret, there := present[*corev1.Secret](g.api, g.key(name))
	if !there {
		return
	}
	g.note("%s: no Secret", g.key(name))
	_ = g.api.remove(secret, "")
	pause(ctx, g.upTo(time.Second))
	g.note("%s: the Secret is back", g.key(name))
	g.api.mu.Lock()
	defer g.api.mu.Unlock()
	g.api.put(secret)
}

// removeLocation deletes a Location, or makes one that is gone anew.
func (g *gardener) removeLocation(context.Context) {
	code := g.code()
	l, there := present[*inventoryv1alpha1.Location](g.api, g.location(code))
	switch {
	case !there:
		g.restoreLocation(code)
	case l.DeletionTimestamp == nil && !spares(heirs) && (!spares(suspended) || !g.stopped()):
		g.writing <- struct{}{}
		g.note("%s: deleted", g.location(code))
		_ = g.api.remove(l, "")
		g.forget(g.location(code))
		<-g.writing
	}
}

func (g *gardener) restoreLocation(code string) {
	if _, there := present[*inventoryv1alpha1.Location](g.api, g.location(code)); there {
		return
	}
	g.note("%s: made anew", g.location(code))
	g.createLocation(code, map[string]string{"zone": "south", "sells": "yes"})
}

// removeChannel deletes a Channel, or makes one that is gone anew, with another shop.
func (g *gardener) removeChannel(context.Context) {
	name := g.channel()
	ch, there := present[*inventoryv1alpha1.Channel](g.api, g.key(name))
	if !there {
		g.openChannel(g.chance, name)
		return
	}
	g.note("%s: deleted", g.key(name))
	_ = g.api.remove(ch, "")
}

// openChannel makes a channel that does not exist.
func (t *tenant) openChannel(c *chance, name string) {
	if _, there := present[*inventoryv1alpha1.Channel](t.api, t.key(name)); there {
		return
	}
	spec := inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise, PoolIDs: t.pools[:1+c.n(len(t.pools))]}
	if name == "whole" {
		spec.Mode = inventoryv1alpha1.Consolidated
		spec.Compare = &inventoryv1alpha1.ChannelCompare{
			Interval: &metav1.Duration{Duration: time.Minute}, Repair: inventoryv1alpha1.RepairAll, RepairsPerMinute: 1000,
		}
	}
	if c.n(2) == 0 {
		spec.LocationSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"sells": "yes"}}
	}
	t.note("%s: made, pools %v, selector %v", t.key(name), spec.PoolIDs, spec.LocationSelector != nil)
	spec.Exposure = exposures()[c.n(len(exposures()))]
	t.createChannel(&chance{rand: c.fork()}, name, spec).limit(spec.Exposure)
}

// annoy has a shop behave in another way.
func (g *gardener) annoy(context.Context) {
	name := g.channel()
	next := mood(g.n(int(moods)))
	if next == tardy && spares(late) {
		next = fine
	}
	if s := g.shopOf(name); s != nil {
		g.note("%s: mood %d", g.key(name), next)
		s.set(func(s *shop) { s.mood = next })
	}
}

// tamper changes what a shop has behind Tallyman's back, where that is compared.
func (g *gardener) tamper(context.Context) {
	s := g.shopOf("whole")
	if s == nil {
		return
	}
	sku, q := skus[g.n(len(skus))], int64(g.n(10))
	s.set(func(s *shop) {
		if _, listed := s.stock[listing{"", sku}]; listed {
			g.note("%s: somebody sets %s to %d", g.key("whole"), sku, q)
			s.stock[listing{"", sku}] = q
		}
	})
}
