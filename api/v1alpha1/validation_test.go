package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/api/v1alpha1"
)

// Every function makes a good object, to be spoilt by a case.

func goodClient() *v1alpha1.Client {
	return &v1alpha1.Client{Spec: v1alpha1.ClientSpec{
		ClientID: 7, DomainName: "d", CredentialsSecretRefs: []v1alpha1.NameRef{{Name: "s"}},
	}}
}

func goodLocation() *v1alpha1.Location {
	return &v1alpha1.Location{Spec: v1alpha1.LocationSpec{ClientRef: v1alpha1.NameRef{Name: "c"}, Code: "wd003"}}
}

func goodSnapshot() *v1alpha1.InventorySnapshot {
	return &v1alpha1.InventorySnapshot{
		LocationName: "wd003", BatchCount: 1, SKUCount: 1, Quantities: map[string]v1alpha1.Quantity{"A": 1},
	}
}

func goodSlice() *v1alpha1.InventorySlice {
	return &v1alpha1.InventorySlice{LocationName: "wd003", SKUCount: 1, SKUs: map[string]v1alpha1.Quantity{"A": 1}}
}

func goodChannel() *v1alpha1.Channel {
	return &v1alpha1.Channel{Spec: v1alpha1.ChannelSpec{
		ClientRef: v1alpha1.NameRef{Name: "c"}, Type: v1alpha1.ChannelOmni,
		Omni: &v1alpha1.OmniChannel{URL: "https://shop.example/inventories"},
	}}
}

func goodJob() *v1alpha1.ChannelSyncJob {
	return &v1alpha1.ChannelSyncJob{Spec: v1alpha1.ChannelSyncJobSpec{
		ChannelRef: v1alpha1.NameRef{Name: "shop"}, Mode: v1alpha1.Consolidated,
		Items: []v1alpha1.SyncItem{{SKU: "A", Quantity: 1}},
	}}
}

// spoilt changes a good object.
func spoilt[T client.Object](obj T, spoil func(T)) client.Object {
	spoil(obj)
	return obj
}

var long = strings.Repeat("x", 256)

func TestBadObjectsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		obj  client.Object
		want []string // the message names field and rule
	}{
		"client without a number":      {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.ClientID = 0 }), []string{"spec.clientId", "Required"}},
		"client with a negative one":   {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.ClientID = -1 }), []string{"spec.clientId", "greater than or equal to 1"}},
		"client without credentials":   {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.CredentialsSecretRefs = nil }), []string{"spec.credentialsSecretRefs", "Required"}},
		"client with one Secret twice": {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.CredentialsSecretRefs = []v1alpha1.NameRef{{Name: "s"}, {Name: "s"}} }), []string{"spec.credentialsSecretRefs[1]", "Duplicate"}},
		"client with a long domain":    {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.DomainName = long }), []string{"spec.domainName", "255"}},
		"client with too high a rate":  {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.RateLimit.RequestsPerMinute = 1_000_001 }), []string{"spec.rateLimit.requestsPerMinute", "1000000"}},

		"location without a code":         {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Code = "" }), []string{"spec.code", "Required"}},
		"location with a long code":       {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Code = long }), []string{"spec.code", "255"}},
		"location with a long name":       {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Name = strings.Repeat("a", 64) }), []string{"metadata.name", "63"}},
		"location of an unknown type":     {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Type = "Kiosk" }), []string{"spec.type", `"Warehouse", "Store"`}},
		"location with a negative number": {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.FulfillmentLocationID = -1 }), []string{"spec.fulfillmentLocationId", "greater than or equal to 1"}},
		"location that is stale at once":  {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.StaleAfter = &metav1.Duration{Duration: time.Millisecond} }), []string{"spec.staleAfter", "between 1s and 8760h"}},
		"snapshot with a negative number": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.Quantities["A"] = -1 }), []string{"quantities.A", "greater than or equal to 0"}},
		"snapshot with a wrong count":     {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.SKUCount = 2 }), []string{"skuCount must be the number of SKUs"}},
		"snapshot with an empty SKU":      {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.Quantities = map[string]v1alpha1.Quantity{"": 1} }), []string{"every SKU must have 1 to 255 characters"}},
		"snapshot with a long SKU":        {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.Quantities = map[string]v1alpha1.Quantity{long: 1} }), []string{"every SKU must have 1 to 255 characters"}},
		"snapshot of no location":         {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.LocationName = "" }), []string{"locationName", "Required"}},
		"snapshot of a negative pool":     {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.PoolID = -1 }), []string{"poolId", "greater than or equal to 0"}},
		"snapshot with too many SKUs": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) {
			s.Quantities = many(v1alpha1.MaxSnapshotSKUs + 1)
			s.SKUCount = v1alpha1.MaxSnapshotSKUs + 1
		}), []string{"quantities", "2000"}},
		"slice whose range is turned over": {spoilt(goodSlice(), func(s *v1alpha1.InventorySlice) { s.From, s.To = "b", "a" }), []string{"from must sort before to"}},
		"slice with a negative number":     {spoilt(goodSlice(), func(s *v1alpha1.InventorySlice) { s.SKUs["A"] = -1 }), []string{"skus.A", "greater than or equal to 0"}},

		"channel without its config":     {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni = nil }), []string{"omni must be set if and only if type is Omni"}},
		"channel of an unknown type":     {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Type = "Pigeon" }), []string{"spec.type", `"Omni"`}},
		"channel of an unknown mode":     {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Mode = "Guess" }), []string{"spec.mode", "LocationWise"}},
		"channel without a host":         {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.URL = "https:///x" }), []string{"url must be an absolute http or https URL"}},
		"channel with another scheme":    {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.URL = "file:///etc/passwd" }), []string{"url must be an absolute http or https URL"}},
		"channel with a bad credential":  {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.CredentialURL = "nowhere" }), []string{"credentialUrl must be an absolute http or https URL"}},
		"channel with a bad proxy":       {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Transport = &v1alpha1.ChannelTransport{ProxyURL: "ftp://p"} }), []string{"proxyUrl must be an http, https or socks5 URL"}},
		"channel with no pool":           {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.PoolIDs = []int64{-1} }), []string{"spec.poolIds", "greater than or equal to 0"}},
		"channel with a pool twice":      {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.PoolIDs = []int64{1, 1} }), []string{"spec.poolIds[1]", "Duplicate"}},
		"channel that never waits":       {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Timeout = &metav1.Duration{} }), []string{"spec.timeout", "between 10ms and 10m"}},
		"channel with an empty rate":     {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.RateLimit = &v1alpha1.ChannelRateLimit{} }), []string{"spec.rateLimit.requestsPerMinute", "Required"}},
		"channel with a wrong kind of c": {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.ConsolidationType = "SOME" }), []string{"spec.omni.consolidationType", `"ALL", "STORE"`}},
		"job without items":              {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items = nil }), []string{"spec.items", "Required"}},
		"job with a negative quantity":   {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items[0].Quantity = -1 }), []string{"spec.items[0].quantity", "greater than or equal to 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.obj.SetNamespace(env.Namespace(t))
			if tc.obj.GetName() == "" {
				tc.obj.SetName("x")
			}
			wantRefused(t, env.Client.Create(t.Context(), tc.obj), tc.want)
		})
	}
}

func wantRefused(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("the API server accepted it")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}

func many(n int) map[string]v1alpha1.Quantity {
	out := make(map[string]v1alpha1.Quantity, n)
	for i := range n {
		out[fmt.Sprintf("SKU-%d", i)] = 1
	}
	return out
}

func TestGoodObjectsAreAccepted(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	longest := strings.Repeat("ü", v1alpha1.MaxSKULength)
	for name, obj := range map[string]client.Object{
		"client":   goodClient(),
		"location": spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Name = strings.Repeat("a", 63) }),
		"largest snapshot": spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) {
			s.Quantities = many(v1alpha1.MaxSnapshotSKUs - 1)
			s.Quantities[longest] = v1alpha1.MaxQuantity
			s.SKUCount = v1alpha1.MaxSnapshotSKUs
		}),
		"tombstone": spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) {
			s.Quantities, s.SKUCount, s.BatchCount = map[string]v1alpha1.Quantity{}, 0, 0
		}),
		"slice":   goodSlice(),
		"channel": goodChannel(),
		"job":     goodJob(),
	} {
		obj.SetNamespace(ns)
		if obj.GetName() == "" {
			obj.SetName(strings.ReplaceAll(name, " ", "-"))
		}
		if err := env.Client.Create(t.Context(), obj); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImmutability(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		obj    client.Object
		change func(client.Object)
		want   string
	}{
		"client's number":    {goodClient(), func(o client.Object) { o.(*v1alpha1.Client).Spec.ClientID = 8 }, "clientId is immutable"},
		"location's code":    {goodLocation(), func(o client.Object) { o.(*v1alpha1.Location).Spec.Code = "other" }, "code is immutable"},
		"location's client":  {goodLocation(), func(o client.Object) { o.(*v1alpha1.Location).Spec.ClientRef.Name = "other" }, "clientRef is immutable"},
		"slice's location":   {goodSlice(), func(o client.Object) { o.(*v1alpha1.InventorySlice).LocationName = "other" }, "locationName is immutable"},
		"slice's pool":       {goodSlice(), func(o client.Object) { o.(*v1alpha1.InventorySlice).PoolID = 1 }, "poolId is immutable"},
		"channel's client":   {goodChannel(), func(o client.Object) { o.(*v1alpha1.Channel).Spec.ClientRef.Name = "other" }, "clientRef is immutable"},
		"job's items":        {goodJob(), func(o client.Object) { o.(*v1alpha1.ChannelSyncJob).Spec.Items[0].Quantity = 2 }, "spec is immutable"},
		"snapshot's numbers": {goodSnapshot(), func(o client.Object) { o.(*v1alpha1.InventorySnapshot).Quantities["A"] = 2 }, "immutable"},
		"snapshot's labels":  {goodSnapshot(), func(o client.Object) { o.SetLabels(map[string]string{"a": "b"}) }, "InventorySnapshots are immutable"},
		"snapshot's notes":   {goodSnapshot(), func(o client.Object) { o.SetAnnotations(map[string]string{"a": "b"}) }, "InventorySnapshots are immutable"},
		"snapshot's owners":  {goodSnapshot(), func(o client.Object) { o.SetFinalizers([]string{"a.b/c"}) }, "InventorySnapshots are immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.obj.SetNamespace(env.Namespace(t))
			tc.obj.SetName("x")
			env.Create(t, tc.obj)
			tc.change(tc.obj)
			wantRefused(t, env.Client.Update(t.Context(), tc.obj), []string{tc.want})
		})
	}
	t.Run("a location's number can be set later, and then stays", func(t *testing.T) {
		t.Parallel()
		l := goodLocation()
		l.Namespace, l.Name = env.Namespace(t), "x"
		env.Create(t, l)
		l.Spec.FulfillmentLocationID = 5
		if err := env.Client.Update(t.Context(), l); err != nil {
			t.Fatalf("set the number: %v", err)
		}
		for _, n := range []int64{6, 0} {
			l.Spec.FulfillmentLocationID = n
			wantRefused(t, env.Client.Update(t.Context(), l), []string{"fulfillmentLocationId is immutable once set"})
		}
	})
}

func TestStatusIsNotObservedAtFirst(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	c, l, ch, j := goodClient(), goodLocation(), goodChannel(), goodJob()
	for _, obj := range []client.Object{c, l, ch, j} {
		obj.SetNamespace(ns)
		obj.SetName("x")
		env.Create(t, obj)
	}
	for kind, got := range map[string]*int64{
		"Client": c.Status.ObservedGeneration, "Location": l.Status.ObservedGeneration,
		"Channel": ch.Status.ObservedGeneration, "ChannelSyncJob": j.Status.ObservedGeneration,
	} {
		if got == nil || *got != -1 {
			t.Errorf("%s: status.observedGeneration = %v, want -1", kind, got)
		}
	}
}
