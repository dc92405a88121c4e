package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"tallyman.dev/tallyman/api/v1alpha1"
)

// checkEscaped wants a SKU to be counted as long as encoding/json makes it.
func checkEscaped(t rapid.TB, sku string, q v1alpha1.Quantity) {
	t.Helper()
	raw, err := json.Marshal(map[string]v1alpha1.Quantity{sku: q})
	if err != nil {
		t.Errorf("%q: %v", sku, err)
	}
	if got, want := q.BytesOf(sku), len(raw)-len("{}")+len(","); got != want {
		t.Errorf("%q with %d takes %d bytes, want %d", sku, q, got, want)
	}
}

// TestBytesOfEveryCharacter counts each character that a SKU may hold.
func TestBytesOfEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := range utf8.MaxRune + 1 {
		if utf8.ValidRune(r) {
			checkEscaped(t, string(r), 1)
		}
	}
	checkEscaped(t, "\xff\xc3", 1)
}

func TestBytesOfQuantities(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkEscaped(t, rapid.String().Draw(t, "sku"), v1alpha1.Quantity(rapid.Int32Min(0).Draw(t, "quantity")))
	})
}

// TestBytesOfStoredBatches has the API server store batches, and compares what they take.
func TestBytesOfStoredBatches(t *testing.T) {
	t.Parallel()
	httpClient, err := rest.HTTPClientFor(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	kind := v1alpha1.GroupVersion.WithKind("InventoryBatch")
	reader, err := apiutil.RESTClientForGVK(kind, true, false, env.Config, serializer.NewCodecFactory(env.Scheme), httpClient)
	if err != nil {
		t.Fatal(err)
	}
	ns := env.Namespace(t)
	crowd := goodBatch()
	crowd.Senders, crowd.Requests, crowd.Stock = nil, nil, nil
	for i := range v1alpha1.MaxBatchStock {
		crowd.Senders = append(crowd.Senders, v1alpha1.BatchSender{Client: strings.Repeat("c", 253), Credential: strings.Repeat("s", 253)})
		crowd.Requests = append(crowd.Requests, v1alpha1.BatchRequest{ID: strings.Repeat("r", 128), Sender: int32(i), SKUCount: 1, Digest: strings.Repeat("d", 64)})
		crowd.Stock = append(crowd.Stock, v1alpha1.LocationStock{
			LocationName: fmt.Sprintf("%063d", i), LocationUID: "x", PoolID: 1<<63 - 1, Request: int32(i), Quantities: map[string]v1alpha1.Quantity{"&": 7},
		})
	}
	crowd.RequestCount, crowd.LocationCount, crowd.SKUCount = v1alpha1.MaxBatchStock, v1alpha1.MaxBatchStock, v1alpha1.MaxBatchStock
	full := goodBatch()
	full.Stock[0].LocationUID, full.Stock[0].Quantities = "y", map[string]v1alpha1.Quantity{}
	for full.Bytes() < v1alpha1.MaxBatchBytes-2000 {
		full.Stock[0].Quantities[fmt.Sprintf("%d%s", len(full.Stock[0].Quantities), strings.Repeat("&", 250))] = v1alpha1.MaxQuantity
	}
	full.SKUCount = int32(len(full.Stock[0].Quantities))
	full.Requests[0].SKUCount = full.SKUCount

	for name, b := range map[string]*v1alpha1.InventoryBatch{
		"tombstone": {Stock: []v1alpha1.LocationStock{}},
		"small":     goodBatch(),
		"crowd":     crowd,
		"full":      full,
	} {
		b.Namespace, b.Name = ns, name
		estimate := b.Bytes()
		env.Create(t, b)
		raw, err := reader.Get().Namespace(ns).Resource("inventorybatches").Name(name).Do(t.Context()).Raw()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		slack := 200 + len(b.Stock) // managed fields differ in length, and a map has no comma at its end
		if size := len(raw); estimate < size || estimate > size+slack {
			t.Errorf("%s takes %d bytes, want between %d and %d", name, estimate, size, size+slack)
		}
	}
}
