package exposure_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

func TestSelectionOfLocations(t *testing.T) {
	t.Parallel()
	north := &metav1.LabelSelector{MatchLabels: map[string]string{"region": "north"}}
	for name, tc := range map[string]struct {
		selector *metav1.LabelSelector
		change   func(*inventoryv1alpha1.Location)
		want     bool
	}{
		"everything":          {nil, func(*inventoryv1alpha1.Location) {}, true},
		"an empty selector":   {&metav1.LabelSelector{}, func(*inventoryv1alpha1.Location) {}, true},
		"other labels":        {north, func(*inventoryv1alpha1.Location) {}, false},
		"its labels":          {north, func(l *inventoryv1alpha1.Location) { l.Labels = map[string]string{"region": "north"} }, true},
		"another Client's":    {nil, func(l *inventoryv1alpha1.Location) { l.Spec.ClientRef.Name = "rival" }, false},
		"another namespace":   {nil, func(l *inventoryv1alpha1.Location) { l.Namespace = "other" }, false},
		"one that is leaving": {nil, func(l *inventoryv1alpha1.Location) { l.DeletionTimestamp = &metav1.Time{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := &inventoryv1alpha1.Channel{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ns"},
				Spec:       inventoryv1alpha1.ChannelSpec{ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, LocationSelector: tc.selector},
			}
			l := &inventoryv1alpha1.Location{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ns"},
				Spec:       inventoryv1alpha1.LocationSpec{ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}},
			}
			tc.change(l)
			selection, err := exposure.Select(ch)
			if err != nil {
				t.Fatal(err)
			}
			if got := selection.Includes(l); got != tc.want {
				t.Errorf("included: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestSelectRefuses(t *testing.T) {
	t.Parallel()
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{LocationSelector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "Near"}},
	}}}
	const want = `spec.locationSelector: "Near" is not a valid label selector operator`
	if _, err := exposure.Select(ch); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
