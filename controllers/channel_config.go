package controllers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// skuTableKey is where a ConfigMap holds a SKU table.
const skuTableKey = "skus.yaml"

// badConfig is a configuration that no retry can make work.
type badConfig struct{ reason, message string }

func (e *badConfig) Error() string { return e.reason + ": " + e.message }

// configure resolves everything that a Channel refers to. With a *badConfig, the returned
// configuration has no connector, but can still be given to the lane.
func (r *ChannelReconciler) configure(ctx context.Context, ch *inventoryv1alpha1.Channel) (channelsync.Config, error) {
	cfg := channelsync.Config{Channel: ch.DeepCopy()}
	locations, err := r.locations(ctx, ch)
	if err != nil {
		return cfg, err
	}
	if former := r.Runner.Settings(ch); former != nil { // until there are better ones
		kept := *former
		kept.Locations = locations
		cfg.Settings = &kept
	}
	policy, err := exposure.New(ch.Spec.Exposure)
	if err != nil {
		return cfg, &badConfig{"InvalidExposure", err.Error()}
	}
	table, err := r.skuTable(ctx, ch)
	if err != nil {
		return cfg, err
	}
	cfg.Settings = &syncstate.Settings{
		Mode: cmp.Or(ch.Spec.Mode, inventoryv1alpha1.LocationWise), Pools: ch.Pools(), Exposure: policy,
		Digest: syncDigest(ch, table), Locations: locations,
	}
	conn, err := r.connect(ctx, ch, table)
	if err != nil {
		return cfg, err
	}
	cfg.Connector, cfg.Digest = conn.connector, conn.digest
	return cfg, nil
}

// locations returns the locations of the Channel's Client, with those marked that it sells from.
func (r *ChannelReconciler) locations(ctx context.Context, ch *inventoryv1alpha1.Channel) ([]syncstate.Location, error) {
	selection, err := exposure.Select(ch)
	if err != nil {
		return nil, &badConfig{"InvalidSelector", err.Error()}
	}
	list := &inventoryv1alpha1.LocationList{}
	err = r.List(ctx, list, client.InNamespace(ch.Namespace), client.MatchingFields{byClient: ch.Spec.ClientRef.Name})
	if err != nil {
		return nil, fmt.Errorf("list Locations: %w", err)
	}
	out := make([]syncstate.Location, len(list.Items))
	for i := range list.Items {
		l := &list.Items[i]
		out[i] = syncstate.Location{
			Name: l.Name, Code: l.Spec.Code, Labels: l.Labels,
			Selected: selection.Includes(l),
		}
	}
	return out, nil
}

// connect returns the Channel's connector: the one in use, unless the spec or a Secret changed.
func (r *ChannelReconciler) connect(ctx context.Context, ch *inventoryv1alpha1.Channel, table map[string]string) (*connection, error) {
	tenant := ch.Spec.ClientRef.Name
	if err := r.Get(ctx, client.ObjectKey{Namespace: ch.Namespace, Name: tenant}, &inventoryv1alpha1.Client{}); err != nil {
		return nil, missing(err, "ClientNotFound", "Client", tenant)
	}
	cfg := channel.Config{Channel: ch, Clock: r.Clock, SKUTable: table}
	digest := fmt.Sprintf("%s/%d/%s", ch.UID, ch.Generation, syncDigest(ch, table))
	if ref := ch.Spec.CredentialsSecretRef; ref != nil {
		secret, err := secretData(ctx, r, ch.Namespace, ref.Name)
		if err != nil {
			return nil, missing(err, "SecretNotFound", "Secret", ref.Name)
		}
		cfg.Credentials = secret.Data
		digest += "/" + string(secret.UID) + secret.ResourceVersion
	}
	if t := ch.Spec.Transport; t != nil && t.TLSSecretRef != nil {
		secret, err := secretData(ctx, r, ch.Namespace, t.TLSSecretRef.Name)
		if err != nil {
			return nil, missing(err, "SecretNotFound", "Secret", t.TLSSecretRef.Name)
		}
		cfg.TLS = secret.Data
		digest += "/" + string(secret.UID) + secret.ResourceVersion
	}
	return r.build(ctx, client.ObjectKeyFromObject(ch), cfg, digest)
}

// skuTable reads the table of spec.skuMapping; nil without one.
func (r *ChannelReconciler) skuTable(ctx context.Context, ch *inventoryv1alpha1.Channel) (map[string]string, error) {
	m := ch.Spec.SKUMapping
	if m == nil || m.TableRef == nil {
		return nil, nil //nolint:nilnil // no table is no error
	}
	object := &corev1.ConfigMap{}
	if err := r.Get(ctx, client.ObjectKey{Namespace: ch.Namespace, Name: m.TableRef.Name}, object); err != nil {
		return nil, missing(err, "ConfigMapNotFound", "ConfigMap with the label "+inventoryv1alpha1.SKUTableLabel, m.TableRef.Name)
	}
	table := map[string]string{}
	if err := yaml.UnmarshalStrict([]byte(object.Data[skuTableKey]), &table); err != nil {
		return nil, &badConfig{"InvalidSKUMapping", fmt.Sprintf("ConfigMap %q, key %s: want a map from SKU to name: %v", object.Name, skuTableKey, err)}
	}
	if len(table) == 0 {
		return nil, &badConfig{"InvalidSKUMapping", fmt.Sprintf("ConfigMap %q has no entry under the key %s", object.Name, skuTableKey)}
	}
	return table, nil
}

// build makes a connector, and closes the one that it replaces: the lane, which is told next, may have
// a job under way with that.
func (r *ChannelReconciler) build(ctx context.Context, key types.NamespacedName, cfg channel.Config, digest string) (*connection, error) {
	if conn := r.connection(key); conn != nil && conn.digest == digest {
		return conn, nil
	}
	connector, err := r.Registry.New(cfg)
	if err != nil {
		e := channel.AsError(err)
		return nil, &badConfig{string(e.Reason), e.Message}
	}
	conn := &connection{digest: digest, connector: connector}
	r.mu.Lock()
	replaced := r.built[key]
	if r.built == nil {
		r.built = map[types.NamespacedName]*connection{}
	}
	r.built[key] = conn
	r.mu.Unlock()
	replaced.close(ctx, key)
	return conn, nil
}

// missing tells an object that does not exist from one that could not be read.
func missing(err error, reason, kind, name string) error {
	if apierrors.IsNotFound(err) {
		return &badConfig{reason, fmt.Sprintf("%s %q does not exist", kind, name)}
	}
	return errors.Join(fmt.Errorf("get %s %s", kind, name), err)
}

// syncDigest identifies what decides which quantities the channel is told, and where it is. The
// selector is left out: a lane follows changes of the locations one by one.
func syncDigest(ch *inventoryv1alpha1.Channel, table map[string]string) string {
	spec := *ch.Spec.DeepCopy()
	spec.PoolIDs = ch.Pools()
	spec.LocationSelector, spec.CredentialsSecretRef, spec.RateLimit, spec.Transport = nil, nil, nil, nil
	spec.Compare, spec.Timeout, spec.ProbeInterval, spec.Jobs, spec.Suspend = nil, nil, nil, nil, nil
	spec.BatchSize, spec.MaxAttempts = 0, 0
	raw, err := json.Marshal(struct {
		Spec   inventoryv1alpha1.ChannelSpec
		Table  map[string]string
		Repush string
	}{spec, table, ch.Annotations[inventoryv1alpha1.RepushAnnotation]})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
