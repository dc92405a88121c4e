package main

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/manifest"
)

// systemNamespace is where the manager's Lease and its ServiceAccount live.
const systemNamespace = "tallyman-system"

// configuration is what config/ holds, made to fit this cluster.
type configuration struct {
	crds    string
	system  []manifest.Object // admission policies, RBAC and the system namespace
	account string            // the manager's ServiceAccount
	samples samples
}

// readConfiguration reads everything before the first process is started: a broken manifest is
// the first thing to be told.
func readConfiguration(opts options, ports *ports) (configuration, error) {
	c := configuration{crds: filepath.Join(opts.config, "crd", "bases")}
	admission, err := manifest.ReadDir(filepath.Join(opts.config, "admission"))
	if err != nil {
		return c, err
	}
	rbac, err := manifest.ReadDir(filepath.Join(opts.config, "rbac"))
	if err != nil {
		return c, err
	}
	if c.account, err = placeRBAC(rbac); err != nil {
		return c, err
	}
	namespace := manifest.Object{File: "(built in)", Unstructured: &unstructured.Unstructured{}}
	namespace.SetAPIVersion(corev1.SchemeGroupVersion.String())
	namespace.SetKind("Namespace")
	namespace.SetName(systemNamespace)
	c.system = append(append([]manifest.Object{namespace}, admission...), rbac...)

	c.samples, err = readSamples(filepath.Join(opts.config, "samples"), dialable(ports.demo))
	return c, err
}

// placeRBAC moves namespaced RBAC objects, and the ServiceAccounts that bindings name, into the
// system namespace, as kustomize does for a real cluster. It returns the ServiceAccount's name.
func placeRBAC(objects []manifest.Object) (account string, err error) {
	for _, o := range objects {
		switch o.GetKind() {
		case "ServiceAccount":
			if account != "" {
				return "", fmt.Errorf("%s: ServiceAccount %s is the second one, after %s", o.File, o.GetName(), account)
			}
			account = o.GetName()
			o.SetNamespace(systemNamespace)
		case "Role":
			o.SetNamespace(systemNamespace)
		case "RoleBinding":
			o.SetNamespace(systemNamespace)
			err = placeSubjects(o)
		case "ClusterRoleBinding":
			err = placeSubjects(o)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", o.File, err)
		}
	}
	if account == "" {
		return "", errors.New("no ServiceAccount for the manager among the RBAC manifests")
	}
	return account, nil
}

func placeSubjects(binding manifest.Object) error {
	subjects, _, err := unstructured.NestedSlice(binding.Object, "subjects")
	if err != nil {
		return err
	}
	for _, s := range subjects {
		if subject, ok := s.(map[string]any); ok && subject["kind"] == "ServiceAccount" {
			subject["namespace"] = systemNamespace
		}
	}
	return unstructured.SetNestedSlice(binding.Object, subjects, "subjects")
}

// samples are the objects of config/samples, and those of them that a person is told about.
type samples struct {
	objects  []manifest.Object
	client   *inventoryv1alpha1.Client
	channels []*inventoryv1alpha1.Channel // those that the demo channel receives
}

// readSamples reads the samples and points the channels of the demo at demoAddr.
func readSamples(dir, demoAddr string) (samples, error) {
	objects, err := manifest.ReadDir(dir)
	if err != nil {
		return samples{}, err
	}
	s := samples{objects: objects}
	for _, o := range objects {
		switch o.GetKind() {
		case "Client":
			if s.client == nil {
				s.client = &inventoryv1alpha1.Client{}
				err = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, s.client)
			}
		case "Channel":
			err = s.addChannel(o, demoAddr)
		}
		if err != nil {
			return samples{}, fmt.Errorf("%s: %s: %w", o.File, o, err)
		}
	}
	if s.client == nil {
		return samples{}, fmt.Errorf("%s has no Client", dir)
	}
	return s, nil
}

func (s *samples) addChannel(o manifest.Object, demoAddr string) error {
	moved := false
	for _, field := range []string{"url", "credentialUrl"} {
		ok, err := repoint(o, demoAddr, "spec", "omni", field)
		if err != nil {
			return err
		}
		moved = moved || ok && field == "url"
	}
	if !moved {
		return nil // a channel elsewhere
	}
	channel := &inventoryv1alpha1.Channel{}
	s.channels = append(s.channels, channel)
	return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, channel)
}

// repoint puts demoAddr into a URL that has the demo's default address, and reports whether it has.
func repoint(o manifest.Object, demoAddr string, fields ...string) (bool, error) {
	text, found, err := unstructured.NestedString(o.Object, fields...)
	if err != nil || !found {
		return false, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != defaultDemoAddr {
		return false, err
	}
	u.Host = demoAddr
	return true, unstructured.SetNestedField(o.Object, u.String(), fields...)
}
