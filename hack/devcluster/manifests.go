package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// fieldOwner is the field manager of everything that devcluster applies.
const fieldOwner = client.FieldOwner("devcluster")

// object is a manifest and the file that it comes from.
type object struct {
	*unstructured.Unstructured
	file string
}

func (o object) String() string {
	name := o.GetName()
	if ns := o.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return o.GetKind() + " " + name
}

// applyOrder sorts kinds so that what others name comes first. Kinds that are not listed come
// last; order within a kind is that of the files.
var applyOrder = []string{"Namespace", "ServiceAccount", "ClusterRole", "Role", "Secret", "Client", "Location", "Channel"}

// readManifests reads all *.yaml files of a folder, but for kustomizations.
func readManifests(dir string) ([]object, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var objects []object
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw))); ; {
			doc, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(doc, &u.Object); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if len(u.Object) > 0 && u.GetKind() != "Kustomization" {
				objects = append(objects, object{Unstructured: u, file: file})
			}
		}
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s has no manifests; run from the top of the repository", dir)
	}
	rank := func(o object) int {
		if i := slices.Index(applyOrder, o.GetKind()); i >= 0 {
			return i
		}
		return len(applyOrder)
	}
	slices.SortStableFunc(objects, func(a, b object) int { return cmp.Compare(rank(a), rank(b)) })
	return objects, nil
}

// install applies what belongs to Tallyman: what anybody changed in it is put right.
func install(ctx context.Context, c client.Client, objects []object) error {
	for _, o := range objects {
		if err := apply(ctx, c, o, client.ForceOwnership); err != nil {
			return err
		}
	}
	return nil
}

// offer applies what is a person's to change. An object in which somebody has taken over a field
// is left as it is.
func offer(ctx context.Context, c client.Client, objects []object, say func(string, ...any)) error {
	for _, o := range objects {
		switch err := apply(ctx, c, o); {
		case apierrors.IsConflict(err):
			say("%s was changed by hand and stays so; delete it to get the sample back (%v)", o, errors.Unwrap(err))
		case err != nil:
			return err
		}
	}
	return nil
}

func apply(ctx context.Context, c client.Client, o object, opts ...client.ApplyOption) error {
	config := client.ApplyConfigurationFromUnstructured(o.DeepCopy())
	if err := c.Apply(ctx, config, append(opts, fieldOwner)...); err != nil {
		return fmt.Errorf("apply %s of %s: %w", o, o.file, err)
	}
	return nil
}
