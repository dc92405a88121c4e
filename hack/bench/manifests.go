package main

import (
	"context"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/hack/manifest"
)

// installManifests creates what config/ gives the manager: its rights, its priority, and the admission policies that
// InventoryBatches are under.
func installManifests(ctx context.Context, c client.Client, root string) error {
	for _, namespace := range []string{systemNamespace, rawNamespace} {
		if err := ensureNamespace(ctx, c, namespace); err != nil {
			return err
		}
	}
	for _, dir := range []string{"rbac", "admission", "flowcontrol"} {
		if err := manifest.CreateDir(ctx, c, filepath.Join(root, "config", dir)); err != nil {
			return fmt.Errorf("-root %s: %w", root, err)
		}
	}
	return nil
}

// ensureNamespace creates a namespace, which may exist.
func ensureNamespace(ctx context.Context, c client.Client, name string) error {
	return client.IgnoreAlreadyExists(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
}
