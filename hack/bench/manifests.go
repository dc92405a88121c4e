package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// installManifests creates what config/ gives the manager: its rights, its priority, and the admission policy that
// every create of a snapshot passes.
func installManifests(ctx context.Context, c client.Client, root string) error {
	for _, namespace := range []string{systemNamespace, rawNamespace} {
		if err := ensureNamespace(ctx, c, namespace); err != nil {
			return err
		}
	}
	for _, dir := range []string{"rbac", "admission", "flowcontrol"} {
		files, err := filepath.Glob(filepath.Join(root, "config", dir, "*.yaml"))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("-root %s: has no manifests in config/%s: run from the top of the repository", root, dir)
		}
		for _, file := range files {
			if err := createAll(ctx, c, file); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// createAll creates the objects of a file.
func createAll(ctx context.Context, c client.Client, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw))); ; {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &obj.Object); err != nil {
			return err
		}
		if len(obj.Object) == 0 || obj.GetKind() == "Kustomization" {
			continue
		}
		if err := c.Create(ctx, obj); err != nil {
			return err
		}
	}
}

// ensureNamespace creates a namespace, which may exist.
func ensureNamespace(ctx context.Context, c client.Client, name string) error {
	return client.IgnoreAlreadyExists(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
}
