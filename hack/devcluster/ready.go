package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/manifest"
)

const (
	readyPoll     = 500 * time.Millisecond
	readyReminder = 10 * time.Second // between two lines that say what is waited for
	probeTimeout  = 5 * time.Second
	maxAnswer     = 4096 // bytes of an answer that are shown
)

// The example of the inventory standard, as it is printed there.
const (
	exampleLocation = "wd003"
	exampleSKU      = "ITEM302"
	exampleBody     = `{ "locationCode": "wd003", "products": [ { "quantity": 40, "channelSkuCode":"ITEM302", } ] }`
)

// credentials open the ingress for the sample Client.
type credentials struct{ username, password, domain string }

// headers are the ones of the inventory standard.
func (c credentials) headers() [][2]string {
	headers := [][2]string{{"authUsername", c.username}, {"authPassword", c.password}}
	if c.domain != "" {
		headers = append(headers, [2]string{"authDomainName", c.domain})
	}
	return headers
}

// readCredentials reads them from the cluster, where a person may have changed them.
func readCredentials(ctx context.Context, c client.Client, sample *inventoryv1alpha1.Client) (credentials, error) {
	tenant, secret := &inventoryv1alpha1.Client{}, &corev1.Secret{}
	if err := c.Get(ctx, client.ObjectKeyFromObject(sample), tenant); err != nil {
		return credentials{}, err
	}
	ref := tenant.Spec.CredentialsSecretRefs[0].Name // the schema wants at least one
	if err := c.Get(ctx, client.ObjectKey{Namespace: tenant.Namespace, Name: ref}, secret); err != nil {
		return credentials{}, err
	}
	return credentials{string(secret.Data["username"]), string(secret.Data["password"]), tenant.Spec.DomainName}, nil
}

// readiness finds out whether everything serves.
type readiness struct {
	http        *http.Client
	kube        client.Client
	ingress     string // base URL
	manager     func() endpoints
	credentials credentials
	samples     []manifest.Object
}

// wait waits until everything serves, and says now and then what is missing.
func (r *readiness) wait(ctx context.Context, say func(string, ...any)) error {
	reminded := time.Now()
	return wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		err := r.check(ctx)
		if err != nil && ctx.Err() == nil && time.Since(reminded) >= readyReminder {
			reminded = time.Now()
			say("waiting: %v", err)
		}
		return err == nil, nil
	})
}

// check returns the first reason why not everything serves.
func (r *readiness) check(ctx context.Context) error {
	now := r.manager()
	if err := r.probeManager(ctx, now); err != nil {
		return err
	}
	if err := r.checkLeader(ctx, now); err != nil {
		return err
	}
	for _, o := range r.samples {
		if o.GroupVersionKind().GroupVersion() != inventoryv1alpha1.GroupVersion {
			continue
		}
		if err := r.checkSample(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return r.probeIngress(ctx) // last: its requests count against the Client's rate limit
}

func (r *readiness) probeManager(ctx context.Context, now endpoints) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+now.health+"/readyz", nil)
	if err != nil {
		return err
	}
	return r.expectOK("the manager's /readyz", req)
}

// checkLeader returns why the running manager does not lead yet, nil if it does. Until then, conditions are those that an
// earlier one has left behind.
func (r *readiness) checkLeader(ctx context.Context, now endpoints) error {
	leases := &coordinationv1.LeaseList{}
	if err := r.kube.List(ctx, leases, client.InNamespace(systemNamespace)); err != nil {
		return err
	}
	for _, lease := range leases.Items {
		if renewed := lease.Spec.RenewTime; renewed != nil && renewed.After(now.since) {
			return nil
		}
	}
	return errors.New("the manager does not lead yet: after a crash that takes until the old lease has run out")
}

// probeIngress reads the example's SKU back: this proves the address, the credentials, and that
// the location is known, and changes nothing.
func (r *readiness) probeIngress(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"locationCode": exampleLocation, "channelSkuCodes": []string{exampleSKU}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.ingress+"/inventories", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range r.credentials.headers() {
		req.Header.Set(h[0], h[1])
	}
	return r.expectOK("the ingress", req)
}

func (r *readiness) expectOK(who string, req *http.Request) error {
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		return fmt.Errorf("%s answers %s: %s", who, resp.Status, bytes.TrimSpace(answer))
	}
	return nil
}

// checkSample returns why a sample is not Ready for its present spec, nil if it is. A channel that somebody has
// suspended is as ready as it is meant to be.
func (r *readiness) checkSample(ctx context.Context, sample manifest.Object) error {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(sample.GroupVersionKind())
	if err := r.kube.Get(ctx, client.ObjectKeyFromObject(sample), u); err != nil {
		return err
	}
	var o struct {
		Spec struct {
			Suspend bool `json:"suspend"`
		} `json:"spec"`
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &o); err != nil {
		return err
	}
	ready := meta.FindStatusCondition(o.Status.Conditions, inventoryv1alpha1.ReadyCondition)
	switch {
	case o.Spec.Suspend:
		return nil
	case ready == nil || ready.ObservedGeneration != u.GetGeneration():
		return errors.New("no controller has looked at it yet")
	case ready.Status != metav1.ConditionTrue:
		return fmt.Errorf("not Ready: %s: %s", ready.Reason, ready.Message)
	}
	return nil
}
