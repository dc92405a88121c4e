package v1alpha1_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
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

func goodBatch() *v1alpha1.InventoryBatch {
	return &v1alpha1.InventoryBatch{
		RequestCount: 1, LocationCount: 1, SKUCount: 1,
		Senders:  []v1alpha1.BatchSender{{Client: "c", Credential: "s"}},
		Requests: []v1alpha1.BatchRequest{{ID: "r", SKUCount: 1}},
		Stock:    []v1alpha1.LocationStock{{LocationName: "wd003", LocationUID: "u", Quantities: map[string]v1alpha1.Quantity{"A": 1}}},
	}
}

// places is stock of n locations.
func places(n, skus int) []v1alpha1.LocationStock {
	out := make([]v1alpha1.LocationStock, n)
	for i := range out {
		out[i] = v1alpha1.LocationStock{LocationName: fmt.Sprintf("wd%03d", i), LocationUID: "u", Quantities: many(skus)}
	}
	return out
}

// stockOf is stock of a SKU as JSON, with a quantity of any kind.
func stockOf(quantity any) []any {
	return []any{map[string]any{
		"locationName": "wd003", "locationUID": "u", "poolId": int64(0), "request": int64(0), "quantities": map[string]any{"A": quantity},
	}}
}

func goodSnapshot() *v1alpha1.InventorySnapshot {
	return &v1alpha1.InventorySnapshot{LocationName: "wd003", SKUCount: 1, SKUs: map[string]v1alpha1.Quantity{"A": 1}}
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

// raw sets a field to what the Go type cannot hold; nil removes it.
func raw(obj client.Object, value any, path ...string) client.Object {
	gvk, err := apiutil.GVKForObject(obj, testenv.Scheme())
	if err != nil {
		panic(err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		panic(err)
	}
	if value == nil {
		unstructured.RemoveNestedField(content, path...)
	} else if err := unstructured.SetNestedField(content, value, path...); err != nil {
		panic(err)
	}
	out := &unstructured.Unstructured{Object: content}
	out.SetGroupVersionKind(gvk)
	return out
}

var long = strings.Repeat("x", 256)

// badObject is an object that the API server refuses with a message that names field and rule.
type badObject struct {
	obj  client.Object
	want []string
}

func badObjects(t *testing.T) map[string]badObject {
	t.Helper()
	cases := badChannels(t)
	maps.Copy(cases, map[string]badObject{
		"client without a number":        {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.ClientID = 0 }), []string{"spec.clientId", "Required"}},
		"client with a negative one":     {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.ClientID = -1 }), []string{"spec.clientId", "greater than or equal to 1"}},
		"client without credentials":     {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.CredentialsSecretRefs = nil }), []string{"spec.credentialsSecretRefs", "Required"}},
		"client with one Secret twice":   {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.CredentialsSecretRefs = []v1alpha1.NameRef{{Name: "s"}, {Name: "s"}} }), []string{"spec.credentialsSecretRefs[1]", "Duplicate"}},
		"client with a long domain":      {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.DomainName = long }), []string{"spec.domainName", "255"}},
		"client with too high a rate":    {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.RateLimit.RequestsPerMinute = 1_000_001 }), []string{"spec.rateLimit.requestsPerMinute", "1000000"}},
		"client with a long Secret name": {spoilt(goodClient(), func(c *v1alpha1.Client) { c.Spec.CredentialsSecretRefs[0].Name = long }), []string{"spec.credentialsSecretRefs[0].name", "253"}},
		"client with a word for number":  {raw(goodClient(), "seven", "spec", "clientId"), []string{"spec.clientId", "must be of type integer"}},

		"location without a code":         {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Code = "" }), []string{"spec.code", "Required"}},
		"location with a long code":       {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Code = long }), []string{"spec.code", "255"}},
		"location with a long name":       {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Name = strings.Repeat("a", 64) }), []string{"metadata.name must be at most 63 characters: InventoryBatches and InventorySnapshots are named after it"}},
		"location of an unknown type":     {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.Type = "Kiosk" }), []string{"spec.type", `"Warehouse", "Store"`}},
		"location with a negative number": {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.FulfillmentLocationID = -1 }), []string{"spec.fulfillmentLocationId", "greater than or equal to 1"}},
		"location that is stale at once":  {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.StaleAfter = &metav1.Duration{Duration: time.Millisecond} }), []string{"spec.staleAfter", "staleAfter must be between 1s and 8760h"}},
		"location that is stale soon":     {raw(goodLocation(), "soon", "spec", "staleAfter"), []string{"spec.staleAfter", "staleAfter must be between 1s and 8760h"}},
		"location of a nameless client":   {spoilt(goodLocation(), func(l *v1alpha1.Location) { l.Spec.ClientRef.Name = "" }), []string{"spec.clientRef", "Required"}},

		"batch with a negative number":  {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].Quantities["A"] = -1 }), []string{"stock: every quantity must be a whole number from 0 to 2147483647"}},
		"batch with too large a number": {raw(goodBatch(), stockOf(int64(v1alpha1.MaxQuantity+1)), "stock"), []string{"stock: every quantity must be a whole number from 0 to 2147483647"}},
		"batch with half a unit":        {raw(goodBatch(), stockOf(1.5), "stock"), []string{"stock: every quantity must be a whole number from 0 to 2147483647"}},
		"batch without stock":           {raw(goodBatch(), nil, "stock"), []string{"stock", "Required"}},
		"batch without quantities":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].Quantities = nil }), []string{"stock: quantities must have 1 to 2000 SKUs"}},
		"batch of a long location":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].LocationName = long }), []string{"stock: every locationName must be text of 1 to 63 characters"}},
		"batch of no location's UID":    {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].LocationUID = "" }), []string{"stock: every locationUID must be text of 1 to 36 characters"}},
		"batch of a long UID":           {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].LocationUID = types.UID(long) }), []string{"stock: every locationUID must be text of 1 to 36 characters"}},
		"batch with a long digest":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Requests[0].Digest = long }), []string{"requests: every digest must be text of 1 to 128 characters"}},
		"batch with a long request id":  {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Requests[0].ID = long }), []string{"requests: every id must be text of 1 to 128 characters"}},
		"batch of a nameless request":   {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Requests[0].ID = "" }), []string{"requests: every id must be text of 1 to 128 characters"}},
		"batch of a nameless sender":    {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Senders[0] = v1alpha1.BatchSender{} }), []string{"senders[0].client", "senders[0].credential", "Required"}},
		"batch with more requests":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.RequestCount = 2 }), []string{"requestCount must be the number of requests"}},
		"batch of an unknown request":   {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].Request = 1 }), []string{"stock: every request must be an index into requests"}},
		"batch of an unknown sender":    {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Requests[0].Sender = 1 }), []string{"requests: every sender must be an index into senders"}},
		"batch with a wrong count":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.SKUCount = 2 }), []string{"skuCount must be the number of SKUs in stock"}},
		"batch with an empty SKU":       {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].Quantities = map[string]v1alpha1.Quantity{"": 1} }), []string{"stock: every SKU must have 1 to 255 characters"}},
		"batch with a long SKU":         {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].Quantities = map[string]v1alpha1.Quantity{long: 1} }), []string{"every SKU must have 1 to 255 characters"}},
		"batch of no location":          {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].LocationName = "" }), []string{"stock: every locationName must be text of 1 to 63 characters"}},
		"batch of a negative pool":      {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock[0].PoolID = -1 }), []string{"stock: every poolId must be a whole number, at least 0"}},
		"batch of too many locations":   {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) { s.Stock = places(v1alpha1.MaxBatchStock+1, 1) }), []string{"stock", "256"}},
		"batch with too many SKUs": {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) {
			s.Stock = places(3, 700)
			s.SKUCount, s.Requests[0].SKUCount = 2100, 2000
		}), []string{"skuCount", "2000"}},
		"batch with too many SKUs of one": {spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) {
			s.Stock[0].Quantities = many(v1alpha1.MaxBatchSKUs + 1)
			s.SKUCount, s.Requests[0].SKUCount = v1alpha1.MaxBatchSKUs, v1alpha1.MaxBatchSKUs
		}), []string{"stock: quantities must have 1 to 2000 SKUs"}},
		"snapshot whose range is turned over":  {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.From, s.To = "b", "a" }), []string{"from must sort before to"}},
		"snapshot with a negative number":      {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.SKUs["A"] = -1 }), []string{"skus.A", "greater than or equal to 0"}},
		"snapshot with an empty range":         {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.From, s.To = "a", "a" }), []string{"from must sort before to"}},
		"snapshot with too large a number":     {raw(goodSnapshot(), int64(v1alpha1.MaxQuantity+1), "skus", "A"), []string{"skus.A", "less than or equal to 2147483647"}},
		"snapshot without a pool":              {raw(goodSnapshot(), nil, "poolId"), []string{"poolId", "Required"}},
		"snapshot that begins with a long SKU": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.From = long }), []string{"from", "255"}},
		"snapshot that ends with a long SKU":   {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.To = long }), []string{"to", "255"}},
		"snapshot with too many SKUs":          {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.SKUs = many(v1alpha1.MaxSnapshotSKUs + 1) }), []string{"skus", "2000"}},
		"snapshot with a long pending SKU": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) {
			s.Channels = []v1alpha1.SnapshotChannel{{Name: "c", Pending: []string{long}}}
		}), []string{"channels[0].pending[0]", "255"}},
		"snapshot with an unknown state": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) {
			s.Channels = []v1alpha1.SnapshotChannel{{Name: "c", Failures: []v1alpha1.SKUFailure{{SKU: "A", State: "Lost", Reason: "R"}}}}
		}), []string{"channels[0].failures[0].state", `"Retrying", "Failed"`}},

		"channel without an address": {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.URL = "" }), []string{"spec.omni", "Required"}},
		"channel with a long address": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.Omni.URL = v1alpha1.HTTPURL("https://shop.example/" + strings.Repeat("x", 2048))
		}), []string{"spec.omni.url", "2048"}},
		"channel of an unknown type":      {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Type = "Pigeon" }), []string{"spec.type", `"Omni"`}},
		"channel of an unknown mode":      {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Mode = "Guess" }), []string{"spec.mode", "LocationWise"}},
		"channel without a host":          {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.URL = "https:///x" }), []string{"spec.omni.url", "must be an absolute http or https URL"}},
		"channel with another scheme":     {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.URL = "file:///etc/passwd" }), []string{"spec.omni.url", "must be an absolute http or https URL"}},
		"channel with a bad credential":   {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.CredentialURL = "nowhere" }), []string{"spec.omni.credentialUrl", "must be an absolute http or https URL"}},
		"channel with a bad proxy":        {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Transport = &v1alpha1.ChannelTransport{ProxyURL: "ftp://p"} }), []string{"proxyUrl must be an http, https or socks5 URL"}},
		"channel with no pool":            {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.PoolIDs = []int64{-1} }), []string{"spec.poolIds", "greater than or equal to 0"}},
		"channel with a pool twice":       {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.PoolIDs = []int64{1, 1} }), []string{"spec.poolIds[1]", "Duplicate"}},
		"channel that never waits":        {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Timeout = &metav1.Duration{} }), []string{"spec.timeout", "timeout must be between 10ms and 10m"}},
		"channel that waits a while":      {raw(goodChannel(), "a while", "spec", "timeout"), []string{"spec.timeout", "timeout must be between 10ms and 10m"}},
		"channel that is probed always":   {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.ProbeInterval = &metav1.Duration{Duration: time.Millisecond} }), []string{"spec.probeInterval", "probeInterval must be between 1s and 24h"}},
		"channel with too large batches":  {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.BatchSize = 25_001 }), []string{"spec.batchSize", "25000"}},
		"channel with too many attempts":  {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.MaxAttempts = 101 }), []string{"spec.maxAttempts", "100"}},
		"channel with an empty transport": {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Transport = &v1alpha1.ChannelTransport{} }), []string{"spec.transport", "at least 1"}},
		"channel with a negative history": {raw(goodChannel(), int64(-1), "spec", "jobs", "successfulLimit"), []string{"spec.jobs.successfulLimit", "greater than or equal to 0"}},
		"channel with an empty rate":      {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.RateLimit = &v1alpha1.ChannelRateLimit{} }), []string{"spec.rateLimit.requestsPerMinute", "Required"}},
		"channel with a wrong kind of c":  {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Omni.ConsolidationType = "SOME" }), []string{"spec.omni.consolidationType", `"ALL", "STORE"`}},
		"channel with one name twice": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.LocationMapping = []v1alpha1.LocationMapping{{Code: "a", ChannelCode: "x"}, {Code: "b", ChannelCode: "x"}}
		}), []string{"spec.locationMapping", "locationMapping must not give two locations the same channelCode"}},
		"channel with a rule of a taken name": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.Exposure = &v1alpha1.Exposure{Rules: []v1alpha1.ExposureRule{{Name: "total"}}}
		}), []string{"spec.exposure.rules[0].name", "name must not be total or unselected, which stand for themselves"}},
		"channel with a rule twice": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.Exposure = &v1alpha1.Exposure{Rules: []v1alpha1.ExposureRule{{Name: "a"}, {Name: "a"}}}
		}), []string{"spec.exposure.rules[1]", "Duplicate"}},
		"channel with more than all": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.Exposure = &v1alpha1.Exposure{Total: &v1alpha1.ExposureLimits{Percentage: new(int32(101))}}
		}), []string{"spec.exposure.total.percentage", "100"}},
		"channel with no exposure": {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Exposure = &v1alpha1.Exposure{} }), []string{"spec.exposure", "at least 1"}},
		"channel that compares always": {spoilt(goodChannel(), func(c *v1alpha1.Channel) {
			c.Spec.Compare = &v1alpha1.ChannelCompare{Interval: &metav1.Duration{Duration: time.Second}}
		}), []string{"spec.compare.interval", "interval must be between 1m and 720h"}},
		"channel that compares never":   {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.Compare = &v1alpha1.ChannelCompare{} }), []string{"spec.compare.interval", "Required"}},
		"channel with an empty mapping": {spoilt(goodChannel(), func(c *v1alpha1.Channel) { c.Spec.SKUMapping = &v1alpha1.SKUMapping{} }), []string{"spec.skuMapping", "at least 1"}},

		"job without items":            {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items = nil }), []string{"spec.items", "Required"}},
		"job with a negative quantity": {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items[0].Quantity = -1 }), []string{"spec.items[0].quantity", "greater than or equal to 0"}},
		"job with too many items":      {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items = slices.Repeat(j.Spec.Items, v1alpha1.MaxJobItems+1) }), []string{"spec.items", "1000"}},
		"job with a long SKU":          {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Items[0].SKU = long }), []string{"spec.items[0].sku", "255"}},
		"job without a channel":        {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.ChannelRef.Name = "" }), []string{"spec.channelRef", "Required"}},
		"job of an unknown mode":       {spoilt(goodJob(), func(j *v1alpha1.ChannelSyncJob) { j.Spec.Mode = "Guess" }), []string{"spec.mode", "LocationWise"}},
	})
	return cases
}

func TestBadObjectsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range badObjects(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.obj.SetNamespace(env.Namespace(t))
			if tc.obj.GetName() == "" {
				tc.obj.SetName("x")
			}
			wantRefused(t, env.Admin.Create(t.Context(), tc.obj), tc.want)
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
		"largest batch": spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) {
			s.Stock[0].Quantities = many(v1alpha1.MaxBatchSKUs - 1)
			s.Stock[0].Quantities[longest] = v1alpha1.MaxQuantity
			s.SKUCount, s.Requests[0].SKUCount = v1alpha1.MaxBatchSKUs, v1alpha1.MaxBatchSKUs
		}),
		"widest batch": spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) {
			s.Stock = places(v1alpha1.MaxBatchStock, 7)
			s.LocationCount, s.SKUCount, s.Requests[0].SKUCount = v1alpha1.MaxBatchStock, v1alpha1.MaxBatchStock*7, v1alpha1.MaxBatchStock*7
		}),
		"tombstone": spoilt(goodBatch(), func(s *v1alpha1.InventoryBatch) {
			*s = v1alpha1.InventoryBatch{Stock: []v1alpha1.LocationStock{}}
		}),
		"snapshot": goodSnapshot(),
		"channel":  goodChannel(),
		"job":      goodJob(),
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
