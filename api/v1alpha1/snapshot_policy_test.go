package v1alpha1_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

// TestSnapshotsAreWrittenByTallymanAlone tries every write as every kind of account, each of which has all rights.
func TestSnapshotsAreWrittenByTallymanAlone(t *testing.T) {
	t.Parallel()
	writes := map[string]func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error{
		"create": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			fresh := goodSnapshot()
			fresh.Namespace, fresh.GenerateName = s.Namespace, "fresh-"
			return c.Create(t.Context(), fresh)
		},
		"update": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			s.SKUs["A"]++
			return c.Update(t.Context(), s)
		},
		"label": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			before := s.DeepCopy()
			s.Labels = map[string]string{"mine": "yes"}
			return c.Patch(t.Context(), s, client.MergeFrom(before))
		},
		"delete": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			return c.Delete(t.Context(), s)
		},
		"delete all": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			return c.DeleteAllOf(t.Context(), s, client.InNamespace(s.Namespace))
		},
		"tidy up": func(t *testing.T, c client.Client, s *v1alpha1.InventorySnapshot) error {
			s.Finalizers = []string{"example.com/last"}
			if err := env.Client.Update(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if err := env.Client.Delete(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			before := s.DeepCopy()
			s.Finalizers = nil
			return c.Patch(t.Context(), s, client.MergeFrom(before))
		},
	}
	all, cleaning := []string{"create", "update", "label", "delete", "delete all", "tidy up"}, []string{"delete", "delete all", "tidy up"}
	for user, may := range map[string][]string{
		testenv.Account: all,
		"system:serviceaccount:anywhere:tallyman":                     all,
		"system:serviceaccount:kube-system:namespace-controller":      cleaning,
		"system:serviceaccount:kube-system:generic-garbage-collector": cleaning,
		"system:kube-controller-manager":                              cleaning,
		"system:serviceaccount:kube-system:other":                     nil,
		"system:serviceaccount:tallyman-system:other":                 nil,
		"tallyman": nil,
		"admin":    nil,
	} {
		for name, write := range writes {
			t.Run(user+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := goodSnapshot()
				s.Namespace, s.Name = env.Namespace(t), "s"
				env.Create(t, s)
				err := write(t, clientOf(t, user), s)
				if slices.Contains(may, name) {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if !apierrors.IsForbidden(err) {
					t.Fatalf("got %v, want it forbidden", err)
				}
				for _, part := range []string{"written by its account alone", "send a batch", "annotate the Channel", "docs/operations.md"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			})
		}
	}
}

// TestNamespacesWithSnapshotsGo does what the namespace controller does, with its account, in a namespace that is being
// deleted.
func TestNamespacesWithSnapshotsGo(t *testing.T) {
	t.Parallel()
	s := goodSnapshot()
	s.Namespace, s.Name = env.Namespace(t), "s"
	env.Create(t, s)
	if err := env.Admin.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}); err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, "system:serviceaccount:kube-system:namespace-controller")
	if err := c.DeleteAllOf(t.Context(), &v1alpha1.InventorySnapshot{}, client.InNamespace(s.Namespace)); err != nil {
		t.Fatal(err)
	}
	list := &v1alpha1.InventorySnapshotList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(s.Namespace)); err != nil || len(list.Items) > 0 {
		t.Errorf("%d snapshots are left, %v", len(list.Items), err)
	}
}
