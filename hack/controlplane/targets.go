package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	etcdModule       = "go.etcd.io/etcd/server/v3"
)

// target is one binary.
type target struct {
	name    string // of the file, as envtest looks for it
	pkg     string
	version moduleVersion
	ldflags string
}

// targets are the binaries that make up a control plane and its client.
func targets(versions map[string]moduleVersion) []target {
	etcd, kubernetes := versions[etcdModule], versions[kubernetesModule]
	kubernetesFlags := strip + stampKubernetes(kubernetes)
	return []target{
		{name: "etcd", pkg: etcdModule, version: etcd, ldflags: strip},
		{name: "kube-apiserver", pkg: kubernetesModule + "/cmd/kube-apiserver", version: kubernetes, ldflags: kubernetesFlags},
		{name: "kubectl", pkg: kubernetesModule + "/cmd/kubectl", version: kubernetes, ldflags: kubernetesFlags},
	}
}

// strip leaves out the symbol table and DWARF: a third of the size.
const strip = "-s -w"

// stampKubernetes sets the variables that Kubernetes' own build sets (hack/lib/version.sh), from
// go.mod alone, so that two builds of one go.mod are the same byte for byte. The commit is not
// known from a module download, and client-go's word for that is "unknown".
func stampKubernetes(v moduleVersion) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(v.Version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	values := [][2]string{
		{"gitVersion", v.Version},
		{"gitMajor", major},
		{"gitMinor", minor},
		{"gitTreeState", "clean"},
		{"gitCommit", "unknown"},
	}
	if v.Time != nil { // absent where the module came without its .info file
		values = append(values, [2]string{"buildDate", v.Time.UTC().Format(time.RFC3339)})
	}
	var flags strings.Builder
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		for _, kv := range values {
			fmt.Fprintf(&flags, " -X %s.%s=%s", pkg, kv[0], kv[1])
		}
	}
	return flags.String()
}
