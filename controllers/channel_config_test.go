package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// TestBadConfiguration takes something away from a Channel that works otherwise.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	table := func(content string) *corev1.ConfigMap {
		return named(&corev1.ConfigMap{Data: map[string]string{"skus.yaml": content}}, "names")
	}
	mapped := func(ch *inventoryv1alpha1.Channel) {
		ch.Spec.SKUMapping = &inventoryv1alpha1.SKUMapping{TableRef: &inventoryv1alpha1.NameRef{Name: "names"}}
	}
	selecting := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Sometimes"}}}
	token := secret("token", map[string]string{"token": "good"})
	for name, tc := range map[string]struct {
		spec            func(*inventoryv1alpha1.Channel)
		objects         []client.Object
		reason, message string // of a Channel that is stalled; none where it is ready
	}{
		"no Secret": {nil, []client.Object{tenant("x")}, "SecretNotFound", `"token"`},
		"no Client": {nil, []client.Object{token}, "ClientNotFound", `"acme"`},
		"no certificate": {func(ch *inventoryv1alpha1.Channel) {
			ch.Spec.Transport = &inventoryv1alpha1.ChannelTransport{TLSSecretRef: &inventoryv1alpha1.NameRef{Name: "tls"}}
		}, []client.Object{tenant("x"), token}, "SecretNotFound", `"tls"`},
		"invalid exposure": {func(ch *inventoryv1alpha1.Channel) {
			ch.Spec.Exposure = &inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{Name: "r", LocationSelector: selecting}}}
		}, []client.Object{tenant("x"), token}, "InvalidExposure", "Sometimes"},
		"invalid selector": {func(ch *inventoryv1alpha1.Channel) {
			ch.Spec.LocationSelector = selecting
		}, []client.Object{tenant("x"), token}, "InvalidSelector", "spec.locationSelector"},
		"no table":               {mapped, []client.Object{tenant("x"), token}, "ConfigMapNotFound", `"names"`},
		"a table that is none":   {mapped, []client.Object{tenant("x"), token, table("- a")}, "InvalidSKUMapping", "skus.yaml"},
		"a table without a line": {mapped, []client.Object{tenant("x"), token, table("")}, "InvalidSKUMapping", "no entry"},
		"a table":                {mapped, []client.Object{tenant("x"), token, table("a: b")}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newChannelHarness(t)
			for _, obj := range tc.objects {
				m.create(obj.DeepCopyObject().(client.Object))
			}
			if tc.spec != nil {
				tc.spec(m.ch)
			}
			m.create(m.ch)
			m.look()
			if tc.reason == "" {
				m.wantReady(metav1.ConditionTrue, "InStep", "", false)
				return
			}
			m.wantReady(metav1.ConditionFalse, tc.reason, tc.message, true)
			m.wantEvent("Warning " + tc.reason)
		})
	}
}
