package controllers

import (
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// verdict is what a reconciler concludes about an object's Ready condition.
type verdict struct {
	ready   bool
	stalled bool // no retry helps: something else has to change first
	reason  string
	message string
}

func ready(reason, message string) verdict {
	return verdict{ready: true, reason: reason, message: message}
}

// working means that the object is not ready yet, or not any more, and will be without anybody's help.
func working(reason, message string) verdict { return verdict{reason: reason, message: message} }

func stalled(reason, message string) verdict {
	return verdict{stalled: true, reason: reason, message: message}
}

// apply sets Ready, and Reconciling or Stalled while they are true, as kstatus reads them.
func (v verdict) apply(conditions *[]metav1.Condition, generation int64) {
	set := func(conditionType string, on bool) {
		if !on && conditionType != inventoryv1alpha1.ReadyCondition {
			apimeta.RemoveStatusCondition(conditions, conditionType)
			return
		}
		apimeta.SetStatusCondition(conditions, metav1.Condition{
			Type: conditionType, Status: conditionStatus(on),
			Reason: v.reason, Message: v.message, ObservedGeneration: generation,
		})
	}
	set(inventoryv1alpha1.ReadyCondition, v.ready)
	set(inventoryv1alpha1.ReconcilingCondition, !v.ready && !v.stalled)
	set(inventoryv1alpha1.StalledCondition, !v.ready && v.stalled)
}

func conditionStatus(on bool) metav1.ConditionStatus {
	if on {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

// counted writes a number with what it counts.
func counted[N int | int32](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
