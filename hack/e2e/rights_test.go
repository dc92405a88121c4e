package e2e

import (
	"path/filepath"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tallyman.dev/tallyman/hack/testenv"
)

// systemNamespace is where config/ installs the managers.
const systemNamespace = "tallyman-system"

// grant gives the managers' ServiceAccount the rights that a part of config/ gives it, and no others.
// Those for the leader election go to the namespace of the test, where the Lease is.
func (s *harness) grant(dir string) {
	s.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).
		Run(filesys.MakeFsOnDisk(), filepath.Join(testenv.Root(), "config", dir))
	s.Expect(err).NotTo(HaveOccurred())
	for _, resource := range built.Resources() {
		if resource.GetGvk().Group != "rbac.authorization.k8s.io" {
			continue
		}
		content, err := resource.Map()
		s.Expect(err).NotTo(HaveOccurred())
		obj := &unstructured.Unstructured{Object: content}
		if obj.GetNamespace() != "" {
			obj.SetNamespace(s.ns)
		}
		s.Expect(env.Client.Apply(s.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("e2e"), client.ForceOwnership)).To(Succeed())
	}
}
