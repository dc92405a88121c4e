package main

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/hack/manifest"
)

// fieldOwner is the field manager of everything that devcluster applies.
const fieldOwner = client.FieldOwner("devcluster")

// install applies what belongs to Tallyman: what anybody changed in it is put right.
func install(ctx context.Context, c client.Client, objects []manifest.Object) error {
	for _, o := range objects {
		if err := apply(ctx, c, o, client.ForceOwnership); err != nil {
			return err
		}
	}
	return nil
}

// offer applies what is a person's to change. An object in which somebody has taken over a field
// is left as it is.
func offer(ctx context.Context, c client.Client, objects []manifest.Object, say func(string, ...any)) error {
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

func apply(ctx context.Context, c client.Client, o manifest.Object, opts ...client.ApplyOption) error {
	config := client.ApplyConfigurationFromUnstructured(o.DeepCopy())
	if err := c.Apply(ctx, config, append(opts, fieldOwner)...); err != nil {
		return fmt.Errorf("apply %s of %s: %w", o, o.File, err)
	}
	return nil
}
