package exposure

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Selection says which Locations a Channel sells from.
type Selection struct {
	namespace string
	client    inventoryv1alpha1.NameRef
	selector  labels.Selector
}

// Select reads spec.locationSelector and spec.clientRef of a Channel. Its error names the field.
func Select(ch *inventoryv1alpha1.Channel) (*Selection, error) {
	s := &Selection{namespace: ch.Namespace, client: ch.Spec.ClientRef, selector: labels.Everything()}
	if ch.Spec.LocationSelector != nil {
		var err error
		if s.selector, err = metav1.LabelSelectorAsSelector(ch.Spec.LocationSelector); err != nil {
			return nil, fmt.Errorf("spec.locationSelector: %w", err)
		}
	}
	return s, nil
}

// Includes reports whether the channel sells from a Location: one of its Client that the selector matches, and that
// is not being deleted, for then its stock is being withdrawn.
func (s *Selection) Includes(l *inventoryv1alpha1.Location) bool {
	return l.Namespace == s.namespace && l.Spec.ClientRef == s.client && l.DeletionTimestamp == nil &&
		s.selector.Matches(labels.Set(l.Labels))
}
