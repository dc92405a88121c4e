package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/shard"
)

// example is the inventory standard's own, trailing comma included.
const example = `{ "locationCode": "wd003", "products": [ { "quantity": %d, "channelSkuCode":"ITEM302", } ] }`

func TestTheWholeRoad(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	p := s.start()
	s.Eventually(s.leads, eventual, poll).Should(BeTrue())

	answer := p.put(fmt.Sprintf(example, 40))
	s.Expect(answer).To(MatchJSON(`{"failureProducts":[],"successProducts":["ITEM302"],"failures":[]}`))
	batches := &inventoryv1alpha1.InventoryBatchList{}
	s.Expect(env.Client.List(t.Context(), batches, client.InNamespace(s.ns))).To(Succeed())
	s.Expect(batches.Items).To(HaveLen(1), "the answer comes after the record")
	location := &inventoryv1alpha1.Location{}
	s.Expect(env.Client.Get(t.Context(), client.ObjectKey{Namespace: s.ns, Name: "wd003"}, location)).To(Succeed())
	s.Expect(batches.Items[0].Stock).To(Equal([]inventoryv1alpha1.LocationStock{{
		LocationName: "wd003", LocationUID: location.UID, Quantities: map[string]inventoryv1alpha1.Quantity{"ITEM302": 40},
	}}))
	s.Expect(batches.Items[0].Senders).To(Equal([]inventoryv1alpha1.BatchSender{{Client: "wms", Credential: "login"}}))
	s.Expect(batches.Items[0].Requests).To(HaveLen(1))
	s.Expect(batches.Items[0].Requests[0]).To(HaveField("ID", Not(BeEmpty())))
	s.settles("wd003", 0, quantities{"ITEM302": 40}, soon)
	s.has(s.market, "wd003", quantities{"ITEM302": 40})
	s.has(s.store, "", quantities{"ITEM302": 40})

	p.put(fmt.Sprintf(example, 41))
	s.has(s.market, "wd003", quantities{"ITEM302": 41})
	s.has(s.store, "", quantities{"ITEM302": 41})
	s.settles("wd003", 0, quantities{"ITEM302": 41}, eventual)
}

// leads reports whether some replica leads and has configured its channels.
func (s *harness) leads() bool {
	ch := &inventoryv1alpha1.Channel{}
	for _, name := range []string{marketName, storeName} {
		if env.Client.Get(s.Context(), client.ObjectKey{Namespace: s.ns, Name: name}, ch) != nil || len(ch.Status.Epochs) == 0 {
			return false
		}
	}
	return true
}

// TestKilledBetweenAnswerAndPush kills the manager while the channel holds its call.
func TestKilledBetweenAnswerAndPush(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	p := s.start()
	p.put(fmt.Sprintf(example, 40))
	s.has(s.market, "wd003", quantities{"ITEM302": 40})
	s.settles("wd003", 0, quantities{"ITEM302": 40}, eventual)

	for len(s.market.Inside) > 0 {
		<-s.market.Inside
	}
	gate := make(chan struct{})
	s.market.SetGate(gate)
	p.put(fmt.Sprintf(example, 41))
	s.Eventually(s.market.Inside, eventual).Should(Receive())
	p.kill()
	s.market.SetGate(nil)
	close(gate)
	s.Expect(s.market.At("wd003")).To(Equal(quantities{"ITEM302": 40}), "the call was cut off")

	s.start()
	s.has(s.market, "wd003", quantities{"ITEM302": 41})
	s.settles("wd003", 0, quantities{"ITEM302": 41}, eventual)
}

// TestFeeds sends a batch of the largest size, a full feed in pages and array payloads, and starts
// over in the middle, with a log that is not folded yet.
func TestFeeds(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	p := s.start()
	const catalogue, page = 10_000, 300
	want := quantities{}
	for i := 0; i < catalogue; i += page {
		batch := quantities{}
		for j := i; j < min(i+page, catalogue); j++ {
			batch[fmt.Sprintf("SKU-%05d", j)] = int64(j % 977)
		}
		p.send("wd003", batch)
		maps.Copy(want, batch)
	}
	p.kill() // far from folded: 20 snapshots a second at the most
	p = s.start()
	answer := p.put(`[
		{"clientId": 10000900, "clientSkuId": "SKU-00001", "inventoryPoolId": 0, "quantity": 11, "fulfillmentLocationId": 1000901},
		{"clientId": 10000900, "clientSkuId": "SKU-00001", "inventoryPoolId": 1, "quantity": 12, "fulfillmentLocationId": 1000901},
		{"clientId": 10000900, "clientSkuId": "SKU-00001", "quantity": 13, "fulfillmentLocationId": 1000902},
		{"clientId": 10000900, "clientSkuId": "SKU-00001", "inventoryPoolId": 1, "quantity": 14, "fulfillmentLocationId": 1000902},
		{"clientId": 10000900, "clientSkuId": "SKU-00001", "quantity": 15, "fulfillmentLocationId": 77}
	]`)
	s.Expect(answer).To(ContainSubstring("UNKNOWN_LOCATION"))
	want["SKU-00001"] = 11
	s.settles("wd003", 0, want, eventual)
	s.settles("wd003", 1, quantities{"SKU-00001": 12}, eventual)
	s.settles("st12", 0, quantities{"SKU-00001": 13}, eventual)
	s.settles("st12", 1, quantities{"SKU-00001": 14}, eventual)
	s.has(s.market, "wd003", want)
	s.has(s.market, "st12", quantities{"SKU-00001": 13})
	sum := maps.Clone(want)
	sum["SKU-00001"] = 11 + 12 + 13 + 14
	s.has(s.store, "", sum)
}

// TestTwoReplicas has both of two replicas accept batches, and kills the one that leads.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	replicas := map[string]*process{"a": s.start(), "b": s.start()}
	s.Eventually(s.leads, eventual, poll).Should(BeTrue())
	replicas["a"].send("wd003", quantities{"A": 1, "BOTH": 1})
	replicas["b"].send("wd003", quantities{"B": 2, "BOTH": 2})
	want := quantities{"A": 1, "B": 2, "BOTH": 2}
	s.has(s.market, "wd003", want)

	leader := s.leader(replicas)
	replicas[leader].kill()
	delete(replicas, leader)
	for _, survivor := range replicas {
		survivor.send("wd003", quantities{"BOTH": 3, "NEW": 4})
	}
	maps.Copy(want, quantities{"BOTH": 3, "NEW": 4})
	s.has(s.market, "wd003", want)
	s.has(s.store, "", want)
	s.settles("wd003", 0, want, eventual)
}

// leader returns the key of the process that holds the lease: the one whose log says so.
func (s *harness) leader(replicas map[string]*process) string {
	s.Helper()
	lease := &coordinationv1.Lease{}
	s.Expect(env.Client.Get(s.Context(), client.ObjectKey{Namespace: s.ns, Name: "tallyman.inventory.tallyman.dev"}, lease)).To(Succeed())
	for key, p := range replicas {
		if p.mentions(`"msg":"Leading"`) {
			return key
		}
	}
	s.Fatalf("nobody leads, though the lease is held by %s", *lease.Spec.HolderIdentity)
	return ""
}

// TestTwoShards has two leaders with a namespace each, and sends every batch to the one that does not lead it.
func TestTwoShards(t *testing.T) {
	t.Parallel()
	parts := []shard.Shard{{Index: 0, Count: 2}, {Index: 1, Count: 2}}
	harnesses := map[int]*harness{}
	for len(harnesses) < len(parts) {
		s := newHarness(t)
		for i, part := range parts {
			if part.Owns(s.ns) {
				harnesses[i] = s
			}
		}
	}
	host := harnesses[0]
	host.grant("overlays/sharded")
	var processes []*process
	for _, part := range parts {
		processes = append(processes, host.start("--shard="+part.String(), "--namespaces="+harnesses[0].ns+","+harnesses[1].ns))
	}
	for i, s := range harnesses {
		other := *processes[1-i]
		other.harness = s // whose credentials the batches carry
		other.send("wd003", quantities{"A": int64(i + 1)})
		s.has(s.market, "wd003", quantities{"A": int64(i + 1)})
		s.has(s.store, "", quantities{"A": int64(i + 1)})
		s.settles("wd003", 0, quantities{"A": int64(i + 1)}, eventual)
	}
	processes[1].kill()
	other := *processes[0]
	other.harness = harnesses[1]
	other.send("wd003", quantities{"A": 7}) // accepted, and pushed when its shard is led again
	host.start("--shard="+parts[1].String(), "--namespaces="+harnesses[0].ns+","+harnesses[1].ns)
	harnesses[1].has(harnesses[1].market, "wd003", quantities{"A": 7})
}

// TestWithdrawnLocation deletes a Location: its stock leaves the channels before it goes.
func TestWithdrawnLocation(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	p := s.start()
	p.send("wd003", quantities{"A": 5})
	p.send("st12", quantities{"A": 7})
	s.has(s.store, "", quantities{"A": 12})
	s.settles("st12", 0, quantities{"A": 7}, eventual)
	st12 := &inventoryv1alpha1.Location{}
	key := client.ObjectKey{Namespace: s.ns, Name: "st12"}
	s.Expect(env.Client.Get(t.Context(), key, st12)).To(Succeed())
	s.Expect(env.Client.Delete(t.Context(), st12)).To(Succeed())
	s.has(s.market, "st12", quantities{"A": 0})
	s.has(s.store, "", quantities{"A": 5})
	s.Eventually(func() error { return client.IgnoreNotFound(env.Client.Get(t.Context(), key, st12)) }, eventual, 100*time.Millisecond).Should(Succeed())
	s.Eventually(func() bool { got, _ := s.snapshots("st12", 0); return len(got) == 0 }, eventual, poll).Should(BeTrue())
}
