package main

import (
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/manifest"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// TestPagesShowPresentFields decodes every object of Tallyman's kinds that a page shows: none may have a field that its
// kind has not.
func TestPagesShowPresentFields(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := inventoryv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	shown := sets.New[string]()
	for _, page := range append(append(glob(t, "docs/*.md"), glob(t, "docs/channels/*.md")...), "README.md") {
		for _, block := range yamlBlock.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(block[1], inventoryv1alpha1.GroupVersion.Group) {
				continue
			}
			objects, err := manifest.Parse([]byte(block[1]))
			if err != nil {
				t.Errorf("%s: %v\n%s", page, err, block[1])
			}
			for _, obj := range flat(t, objects) {
				if !scheme.Recognizes(obj.GroupVersionKind()) {
					continue
				}
				typed, err := scheme.New(obj.GroupVersionKind())
				if err != nil {
					t.Fatal(err)
				}
				if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, typed, true); err != nil {
					t.Errorf("%s: %s %s: %v", page, obj.GetKind(), obj.GetName(), err)
				}
				shown.Insert(obj.GetKind())
			}
		}
	}
	for _, kind := range []string{"Client", "Location", "Channel", "ChannelSyncJob", "InventoryBatch", "InventorySnapshot"} {
		if !shown.Has(kind) {
			t.Errorf("no page shows a %s", kind)
		}
	}
}

// flat returns objects with what lists among them hold in their place.
func flat(t *testing.T, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, obj := range objects {
		if !obj.IsList() {
			out = append(out, obj)
			continue
		}
		err := obj.EachListItem(func(item runtime.Object) error {
			one, ok := item.(*unstructured.Unstructured)
			if ok {
				out = append(out, one)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
