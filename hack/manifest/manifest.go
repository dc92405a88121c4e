// Package manifest reads and creates the manifests of config/.
package manifest

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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Object is a manifest.
type Object struct {
	*unstructured.Unstructured
	File string // that it comes from
}

func (o Object) String() string {
	name := o.GetName()
	if ns := o.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return o.GetKind() + " " + name
}

// order sorts kinds so that what others name comes first. Kinds that are not listed come last; order
// within a kind is that of the files.
var order = []string{"Namespace", "ServiceAccount", "ClusterRole", "Role", "Secret", "Client", "Location", "Channel"}

// rank is the place of an object's kind in the order.
func (o Object) rank() int {
	if i := slices.Index(order, o.GetKind()); i >= 0 {
		return i
	}
	return len(order)
}

// ReadDir reads all *.yaml files of a folder, but for kustomizations, in the order in which to create them.
// It is an error if there are none.
func ReadDir(dir string) ([]Object, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, file := range files {
		some, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		objects = append(objects, some...)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s has no manifests; run from the top of the repository", dir)
	}
	slices.SortStableFunc(objects, func(a, b Object) int { return cmp.Compare(a.rank(), b.rank()) })
	return objects, nil
}

func readFile(file string) (objects []Object, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all, err := Parse(raw)
	for _, u := range all {
		if u.GetKind() != "Kustomization" {
			objects = append(objects, Object{u, file})
		}
	}
	return objects, err
}

// Parse reads the objects of a YAML stream. A field that is there twice is an error.
func Parse(raw []byte) (objects []*unstructured.Unstructured, err error) {
	for docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw))); ; {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(doc, &u.Object); err != nil {
			return nil, err
		}
		if len(u.Object) > 0 {
			objects = append(objects, u)
		}
	}
}

// CreateDir creates the objects of a folder, none of which may exist or have a field that its kind has not.
func CreateDir(ctx context.Context, c client.Client, dir string) error {
	objects, err := ReadDir(dir)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.Create(ctx, o.Unstructured, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
			return fmt.Errorf("create %s of %s: %w", o, o.File, err)
		}
	}
	return nil
}
