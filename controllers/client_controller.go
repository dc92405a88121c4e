package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/credentials"
	"tallyman.dev/tallyman/controllers/shard"
	"tallyman.dev/tallyman/controllers/status"
)

// ClientReconciler reports whether a Client's credentials can be read.
type ClientReconciler struct {
	client.Client
	Recorder events.EventRecorder
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
	draft := status.Begin(tenant, &tenant.Status.Conditions, &tenant.Status.ObservedGeneration)
	summary, err := r.summarize(ctx, tenant)
	if err != nil {
		return ctrl.Result{}, err
	}
	locations := &inventoryv1alpha1.LocationList{}
	if err := r.List(ctx, locations, client.InNamespace(tenant.Namespace), client.MatchingFields{byClient: tenant.Name}); err != nil {
		return ctrl.Result{}, fmt.Errorf("list Locations: %w", err)
	}
	tenant.Status.LocationCount = new(int32(len(locations.Items))) //nolint:gosec // far below 2^31
	draft.Summarize(summary)
	draft.AnnounceReady("CheckCredentials")
	return status.Writer{Client: r, Recorder: r.Recorder}.Write(ctx, draft, 0)
}

// summarize looks at every credential.
func (r *ClientReconciler) summarize(ctx context.Context, tenant *inventoryv1alpha1.Client) (status.Summary, error) {
	for _, ref := range tenant.Spec.CredentialsSecretRefs {
		secret, err := secretData(ctx, r, tenant.Namespace, ref.Name)
		switch {
		case apierrors.IsNotFound(err):
			return status.Stalled("SecretNotFound", fmt.Sprintf("Secret %q does not exist", ref.Name)), nil
		case err != nil:
			return status.Summary{}, fmt.Errorf("get Secret %s: %w", ref.Name, err)
		}
		login := credentials.Secret{Name: ref.Name, Data: secret.Data}
		if _, _, err := login.Basic(inventoryv1alpha1.UsernameKey, inventoryv1alpha1.PasswordKey); err != nil {
			return unusable(err), nil
		}
	}
	return status.Ready("Accepting", "Accepts batches with "+counted(len(tenant.Spec.CredentialsSecretRefs), "credential")), nil
}

// unusable is the summary of a Client one of whose Secrets opens nothing. The error says which, and why.
func unusable(err error) status.Summary {
	reason := "InvalidCredentials"
	if e, known := errors.AsType[*credentials.Error](err); known && e.Missing() {
		reason = "SecretIncomplete"
	}
	return status.Stalled(reason, "spec.credentialsSecretRefs: "+err.Error())
}
