package v1alpha1_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

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
