package shopify

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"sigs.k8s.io/yaml"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/shopify/shopifytest"
)

// check validates an operation and its variables against the official schema of a version.
func check(t *testing.T, version, query string, variables any) error {
	t.Helper()
	schema := shopifytest.Schemas()[version]
	document, errs := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return errs
	}
	raw, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if document.Operations[0].VariableDefinitions.ForName(name) == nil {
			t.Errorf("%s: variable %s is not declared", version, name)
		}
	}
	_, err = validator.VariableValues(schema, document.Operations[0], values)
	return err
}

// operations are all that the connector sends to a version, with their variables.
func operations(version string) map[string]struct {
	query     string
	variables any
} {
	d := dialectOf(inventoryv1alpha1.ShopifyAPIVersion(version))
	c := &connector{dialect: d, spec: inventoryv1alpha1.ShopifyChannel{QuantityName: inventoryv1alpha1.ShopifyOnHand}}
	key, _ := c.key("batch", nil, false)
	var set3 row
	set3.Found, set3.Location, set3.Quantity = item{id: "gid://shopify/InventoryItem/1"}, locationID+"2", 3
	set := setVariables{Input: c.input([]row{set3}, "a b/c"), Key: key}
	names := []inventoryv1alpha1.ShopifyQuantityName{inventoryv1alpha1.ShopifyAvailable}
	return map[string]struct {
		query     string
		variables any
	}{
		"access":         {accessQuery, struct{}{}},
		"items":          {itemsQuery, searchVariables{Query: search([]string{`a"b\c`})}},
		"items, page 2":  {itemsQuery, searchVariables{Query: search([]string{"A", "B"}), After: "x"}},
		"levels":         {levelsQuery, levelsVariables{IDs: []string{"gid://shopify/InventoryItem/1"}, Location: locationID + "2", Names: names}},
		"locations":      {locationsQuery, pageVariables{}},
		"locations, 2":   {locationsQuery, pageVariables{After: "x"}},
		"set quantities": {d.set, set},
		"activate":       {d.activate, activateVariables{Item: "gid://shopify/InventoryItem/1", Location: locationID + "2", Key: key}},
	}
}

func TestOperationsFitTheSchemas(t *testing.T) {
	t.Parallel()
	for version := range shopifytest.Schemas() {
		for name, operation := range operations(version) {
			if err := check(t, version, operation.query, operation.variables); err != nil {
				t.Errorf("%s, %s: %v", version, name, err)
			}
		}
	}
}

// TestDialectsDiffer shows that neither dialect would do for all versions.
func TestDialectsDiffer(t *testing.T) {
	t.Parallel()
	for version, other := range map[string]string{"2025-10": "2026-04", "2026-04": "2026-01", "2026-10": "2025-10"} {
		set := operations(other)["set quantities"]
		if err := check(t, version, set.query, set.variables); err == nil {
			t.Errorf("%s takes the mutation of %s", version, other)
		}
	}
}

// TestEveryVersionHasASchema keeps the versions that a Channel may name in step with the schemas.
func TestEveryVersionHasASchema(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../config/crd/bases/inventory.tallyman.dev_channels.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Enum       []string                   `json:"enum"`
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema json.RawMessage `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(raw, &crd); err != nil {
		t.Fatal(err)
	}
	at := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	var node schema
	for _, step := range []string{"spec", "shopify", "apiVersion", ""} {
		node = schema{}
		if err := json.Unmarshal(at, &node); err != nil {
			t.Fatal(err)
		}
		at = node.Properties[step]
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(shopifytest.Schemas())), node.Enum); diff != "" {
		t.Errorf("versions (-schemas +API):\n%s", diff)
	}
}

// TestWire pins what is easily lost: omitempty must not drop the null that later versions insist on.
func TestWire(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"2026-01": `{"input":{"name":"on_hand","reason":"correction","referenceDocumentUri":"gid://tallyman/Push/a%20b%2Fc",` +
			`"quantities":[{"inventoryItemId":"gid://shopify/InventoryItem/1","locationId":"gid://shopify/Location/2","quantity":3}],"ignoreCompareQuantity":true}}`,
		"2026-07": `{"input":{"name":"on_hand","reason":"correction","referenceDocumentUri":"gid://tallyman/Push/a%20b%2Fc",` +
			`"quantities":[{"inventoryItemId":"gid://shopify/InventoryItem/1","locationId":"gid://shopify/Location/2","quantity":3,"changeFromQuantity":null}]},"key":"KEY"}`,
	} {
		variables := operations(version)["set quantities"].variables.(setVariables)
		raw, err := json.Marshal(variables)
		if err != nil {
			t.Fatal(err)
		}
		if variables.Key != "" {
			want = strings.Replace(want, "KEY", variables.Key, 1)
		}
		if diff := cmp.Diff(want, string(raw)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c := &connector{dialect: dialectOf("2026-04")}
	key := func(batch string, content int, burnt bool) string {
		t.Helper()
		out, err := c.key(batch, content, burnt)
		if err != nil || len(out) != 36 {
			t.Errorf("key %q, %v", out, err)
		}
		return out
	}
	first := key("b", 1, false)
	if first != key("b", 1, false) {
		t.Error("a repetition has another key")
	}
	for name, other := range map[string]string{
		"content": key("b", 2, false), "batch": key("c", 1, false), "burnt": key("b", 1, true), "burnt again": key("b", 1, true),
	} {
		if other == first {
			t.Errorf("another %s has the same key", name)
		}
	}
	if fresh, another := key("b", 1, true), key("b", 1, true); fresh == another {
		t.Error("two keys in place of a burnt one are the same")
	}
}
