package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/shard"
)

// Keys of the Secrets that a Client refers to.
const (
	usernameKey = "username"
	passwordKey = "password"
)

// ClientReconciler tells whether a Client's credentials can be read.
type ClientReconciler struct {
	client.Client
}

// SetupWithManager registers the reconciler, for a part of all namespaces.
func (r *ClientReconciler) SetupWithManager(mgr ctrl.Manager, part shard.Shard) error {
	return ctrl.NewControllerManagedBy(mgr).
		WithEventFilter(part.Predicate()).
		For(&inventoryv1alpha1.Client{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return requestsFor(ctx, r, &inventoryv1alpha1.ClientList{}, o.GetNamespace(), bySecret, o.GetName())
		})).
		Watches(&inventoryv1alpha1.Location{}, handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
			return []reconcile.Request{{NamespacedName: client.ObjectKey{
				Namespace: o.GetNamespace(), Name: o.(*inventoryv1alpha1.Location).Spec.ClientRef.Name,
			}}}
		}), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
}

// Reconcile implements reconcile.Reconciler.
func (r *ClientReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	tenant := &inventoryv1alpha1.Client{}
	if err := r.Get(ctx, req.NamespacedName, tenant); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if tenant.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	before := tenant.DeepCopy()
	v, err := r.judge(ctx, tenant)
	if err != nil {
		return ctrl.Result{}, err
	}
	locations := &inventoryv1alpha1.LocationList{}
	if err := r.List(ctx, locations, client.InNamespace(tenant.Namespace), client.MatchingFields{byClient: tenant.Name}); err != nil {
		return ctrl.Result{}, fmt.Errorf("list Locations: %w", err)
	}
	tenant.Status.LocationCount = new(int32(len(locations.Items))) //nolint:gosec // far below 2^31
	tenant.Status.ObservedGeneration = &tenant.Generation
	v.apply(&tenant.Status.Conditions, tenant.Generation)
	return ctrl.Result{}, patchStatus(ctx, r.Client, tenant, before)
}

// judge looks at every credential.
func (r *ClientReconciler) judge(ctx context.Context, tenant *inventoryv1alpha1.Client) (verdict, error) {
	for _, ref := range tenant.Spec.CredentialsSecretRefs {
		secret, err := secretData(ctx, r, tenant.Namespace, ref.Name)
		switch {
		case apierrors.IsNotFound(err):
			return stalled("SecretNotFound", fmt.Sprintf("Secret %q does not exist", ref.Name)), nil
		case err != nil:
			return verdict{}, fmt.Errorf("get Secret %s: %w", ref.Name, err)
		}
		for _, key := range []string{usernameKey, passwordKey} {
			if len(secret.Data[key]) == 0 {
				return stalled("SecretIncomplete", fmt.Sprintf("Secret %q has no key %q, or it is empty", ref.Name, key)), nil
			}
		}
	}
	return ready("Accepting", "Accepts batches with "+counted(len(tenant.Spec.CredentialsSecretRefs), "credential")), nil
}

// patchStatus writes a status that differs from before. The patch carries the resourceVersion:
// conditions are a list, which a merge patch replaces as a whole.
func patchStatus(ctx context.Context, c client.Client, obj, before client.Object) error {
	if equality.Semantic.DeepEqual(obj, before) {
		return nil
	}
	err := c.Status().Patch(ctx, obj, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return fmt.Errorf("patch status: %w", client.IgnoreNotFound(err))
	}
	return nil
}
