package status

import (
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Summary is what a reconciler concludes of an object: its condition Ready, and why.
type Summary struct {
	ready, stalled  bool
	reason, message string
}

// Ready means that the object does what it is for.
func Ready(reason, message string) Summary {
	return Summary{ready: true, reason: reason, message: message}
}

// Reconciling means that the object is not ready yet, or not any more, and will be without anybody's help.
func Reconciling(reason, message string) Summary { return Summary{reason: reason, message: message} }

// Stalled means that no retry helps: something else has to change first.
func Stalled(reason, message string) Summary {
	return Summary{stalled: true, reason: reason, message: message}
}

// Apply sets Ready, and Reconciling or Stalled while they are true, as kstatus reads them. Generation is
// that of the spec that the summary speaks of.
func (s Summary) Apply(conditions *[]metav1.Condition, generation int64) {
	set := func(conditionType string, on bool) {
		if !on && conditionType != inventoryv1alpha1.ReadyCondition {
			apimeta.RemoveStatusCondition(conditions, conditionType)
			return
		}
		apimeta.SetStatusCondition(conditions, metav1.Condition{
			Type: conditionType, Status: conditionStatus(on),
			Reason: s.reason, Message: s.message, ObservedGeneration: generation,
		})
	}
	set(inventoryv1alpha1.ReadyCondition, s.ready)
	set(inventoryv1alpha1.ReconcilingCondition, !s.ready && !s.stalled)
	set(inventoryv1alpha1.StalledCondition, !s.ready && s.stalled)
}

func conditionStatus(on bool) metav1.ConditionStatus {
	if on {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}
