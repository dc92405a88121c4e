package commit

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// acceptMetadata asks for an answer without the stock that was sent: neither side needs to write or read it.
const acceptMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// terse is a client whose creates of InventoryBatches read nothing of the answer but whether it is a success.
type terse struct {
	client.Client
	rest rest.Interface
}

// NewClient makes the client of a Writer.
func NewClient(cfg *rest.Config, opts client.Options) (client.Client, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(once)
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make an HTTP client: %w", err)
	}
	opts.HTTPClient = httpClient
	c, err := client.New(cfg, opts)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	kind := inventoryv1alpha1.GroupVersion.WithKind("InventoryBatch")
	r, err := apiutil.RESTClientForGVK(kind, true, false, cfg, serializer.NewCodecFactory(c.Scheme()), httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client of InventoryBatches: %w", err)
	}
	return terse{c, r}, nil
}

// Create implements client.Client.
func (t terse) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	batch, ok := obj.(*inventoryv1alpha1.InventoryBatch)
	if !ok || len(opts) > 0 {
		return t.Client.Create(ctx, obj, opts...)
	}
	return t.rest.Post().Namespace(batch.Namespace).Resource("inventorybatches").
		SetHeader("Accept", acceptMetadata).Body(batch).Do(ctx).Error()
}
