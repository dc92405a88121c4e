package v1alpha1_test

import (
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

// clientOf makes a client that acts as a user, with all rights.
func clientOf(t *testing.T, user string) client.Client {
	t.Helper()
	c, err := client.New(testenv.As(env.Config, user), client.Options{Scheme: env.Scheme, Mapper: env.Client.RESTMapper()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBatchesOfTallymanAreNotCheckedTwice keeps the rules whose cost grows with the square of the SKUs off
// the ingress's own creates.
func TestBatchesOfTallymanAreNotCheckedTwice(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	for name, tc := range map[string]struct {
		user    string
		refused bool
	}{
		"Tallyman's account, wherever it lives": {"system:serviceaccount:anywhere:tallyman", false},
		"another account":                       {"system:serviceaccount:tallyman-system:other", true},
		"a person":                              {"tallyman", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodBatch()
			s.Namespace, s.GenerateName = ns, "s-"
			s.SKUCount++
			err := clientOf(t, tc.user).Create(t.Context(), s)
			if tc.refused {
				wantRefused(t, err, []string{"skuCount must be the number of SKUs in stock"})
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBatchesOfAnotherShapeAreRefused has entries that the schema lets pass, but that Tallyman could not read: one of them
// would keep it from reading any batch.
func TestBatchesOfAnotherShapeAreRefused(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	const (
		id       = "requests: every id must be text of 1 to 128 characters"
		sender   = "requests: every sender must be an index into senders"
		skuCount = "requests: every skuCount must be a whole number from 0 to 2000"
		pool     = "stock: every poolId must be a whole number, at least 0"
		request  = "stock: every request must be an index into requests"
		quantity = "stock: every quantity must be a whole number from 0 to 2147483647"
		none     = "stock: quantities must have 1 to 2000 SKUs"
	)
	for name, tc := range map[string]struct {
		list, field string
		value       any
		want        string // empty where it is accepted
	}{
		"sender said to be the first":    {"requests", "sender", int64(0), ""},
		"request said to be the first":   {"stock", "request", int64(0), ""},
		"common pool by its number":      {"stock", "poolId", int64(0), ""},
		"another field of a request":     {"requests", "more", "x", "requests: id, sender, skuCount and digest are all the fields that there are"},
		"another field of an entry":      {"stock", "more", "x", "stock: locationName, locationUID, poolId, request and quantities are all the fields that there are"},
		"id that is a number":            {"requests", "id", int64(1), id},
		"id that is null":                {"requests", "id", nil, id},
		"sender in words":                {"requests", "sender", "first", sender},
		"sender that is null":            {"requests", "sender", nil, sender},
		"sender before the first":        {"requests", "sender", int64(-1), sender},
		"skuCount in words":              {"requests", "skuCount", "1", skuCount},
		"skuCount below 0":               {"requests", "skuCount", int64(-1), skuCount},
		"digest that is a number":        {"requests", "digest", int64(1), "requests: every digest must be text of 1 to 128 characters"},
		"empty digest":                   {"requests", "digest", "", "requests: every digest must be text of 1 to 128 characters"},
		"location that is a list":        {"stock", "locationName", []any{"wd"}, "stock: every locationName must be text of 1 to 63 characters"},
		"UID that is a number":           {"stock", "locationUID", int64(1), "stock: every locationUID must be text of 1 to 36 characters"},
		"half a pool":                    {"stock", "poolId", 1.5, pool},
		"request in words":               {"stock", "request", "first", request},
		"request before the first":       {"stock", "request", int64(-1), request},
		"quantities that are a list":     {"stock", "quantities", []any{int64(1)}, none},
		"quantities that are null":       {"stock", "quantities", nil, none},
		"no quantities":                  {"stock", "quantities", map[string]any{}, none},
		"quantity in words":              {"stock", "quantities", map[string]any{"A": "1"}, quantity},
		"quantity that is null":          {"stock", "quantities", map[string]any{"A": nil}, quantity},
		"quantity beyond all whole ones": {"stock", "quantities", map[string]any{"A": 1e30}, quantity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(goodBatch())
			if err != nil {
				t.Fatal(err)
			}
			entry := maps.Clone(content[tc.list].([]any)[0].(map[string]any))
			entry[tc.field] = tc.value
			content[tc.list] = []any{entry}
			b := &unstructured.Unstructured{Object: content}
			b.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("InventoryBatch"))
			b.SetNamespace(ns)
			b.SetGenerateName("b-")
			err = env.Admin.Create(t.Context(), b)
			if tc.want != "" {
				wantRefused(t, err, []string{tc.want})
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
