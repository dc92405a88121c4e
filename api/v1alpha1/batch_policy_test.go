package v1alpha1_test

import (
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

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
			cfg := rest.CopyConfig(env.Config)
			cfg.Impersonate = rest.ImpersonationConfig{UserName: tc.user, Groups: []string{"system:masters"}}
			c, err := client.New(cfg, client.Options{Scheme: env.Scheme})
			if err != nil {
				t.Fatal(err)
			}
			s := goodBatch()
			s.Namespace, s.GenerateName = ns, "s-"
			s.SKUCount++
			err = c.Create(t.Context(), s)
			if tc.refused {
				wantRefused(t, err, []string{"skuCount must be the number of SKUs in stock"})
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
