package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// target takes batches. A batch that is taken without error is stored.
type target interface {
	send(ctx context.Context, b batch) error
}

// rawTarget is the baseline: every batch is created as an object of its own, in the shape that
// the ingress writes, in a namespace that no manager looks at.
type rawTarget struct{ client client.Client }

func (t *rawTarget) send(ctx context.Context, b batch) error {
	quantities := make(map[string]inventoryv1alpha1.Quantity, len(b.skus))
	for _, sku := range b.skus {
		quantities[sku] = b.quantity
	}
	return t.client.Create(ctx, &inventoryv1alpha1.InventoryBatch{
		ObjectMeta:    metav1.ObjectMeta{Namespace: rawNamespace, Name: b.name() + "-" + utilrand.String(12)},
		RequestCount:  1,
		LocationCount: 1,
		SKUCount:      int32(len(quantities)),
		Senders:       []inventoryv1alpha1.BatchSender{{Client: "raw", Credential: "raw"}},
		Requests:      []inventoryv1alpha1.BatchRequest{{ID: rand.Text(), SKUCount: int32(len(quantities))}},
		Stock: []inventoryv1alpha1.LocationStock{{
			LocationName: b.name(), LocationUID: uuid.NewUUID(), Quantities: quantities,
		}},
	})
}

const (
	sendTimeout = 60 * time.Second // of one request
	maxAnswer   = 4 << 20          // bytes; an answer lists the SKUs of a batch
	maxRefusals = 30               // of one batch, each with a pause, before the load fails
)

// ingressTarget sends batches over HTTP, as a warehouse system does.
type ingressTarget struct {
	http  *http.Client
	clock clock.WithTicker
	// urls are the ingresses of each tenant; senders take turns.
	urls    [][]string
	turn    atomic.Uint64
	refused atomic.Int64 // answers that asked for patience
}

// newIngressTarget keeps a connection for each sender.
func newIngressTarget(c clock.WithTicker, urls [][]string, senders int) *ingressTarget {
	return &ingressTarget{clock: c, urls: urls, http: &http.Client{
		Timeout: sendTimeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: sendTimeout}).DialContext,
			MaxIdleConnsPerHost: senders,
			DisableCompression:  true,
		},
	}}
}

func (t *ingressTarget) close() { t.http.CloseIdleConnections() }

// send repeats a batch that the ingress asks to be repeated, as the standard wants it.
func (t *ingressTarget) send(ctx context.Context, b batch) error {
	urls := t.urls[b.tenant]
	url := urls[t.turn.Add(1)%uint64(len(urls))]
	body := encode(b)
	for range maxRefusals {
		pause, err := t.put(ctx, url, b, body)
		if err != nil || pause == 0 {
			return err
		}
		t.refused.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.clock.After(pause):
		}
	}
	return fmt.Errorf("the ingress refused a batch %d times", maxRefusals)
}

// put makes one request. A pause means that the batch is to be sent again after it.
func (t *ingressTarget) put(ctx context.Context, url string, b batch, body []byte) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/usp/inventories/absolute", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(b.namespace(), password)
	answer, err := t.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		if !bytes.Contains(raw, []byte(`"failures":[]`)) {
			return 0, fmt.Errorf("the ingress failed SKUs: %.300s", raw)
		}
		return 0, nil
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || seconds <= 0 {
			return 0, errors.New("an answer that asks for patience has no Retry-After in seconds")
		}
		return time.Duration(seconds) * time.Second, nil
	default:
		return 0, fmt.Errorf("the ingress answered %s: %.300s", answer.Status, raw)
	}
}

// encode writes the object payload. SKUs need no escapes.
func encode(b batch) []byte {
	const each = 70 // bytes of a SKU in the payload, about
	out := make([]byte, 0, each*(len(b.skus)+1))
	out = append(out, `{"locationCode":"`...)
	out = append(out, b.name()...)
	out = append(out, `","products":[`...)
	for i, sku := range b.skus {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"channelSkuCode":"`...)
		out = append(out, sku...)
		out = append(out, `","quantity":`...)
		out = strconv.AppendInt(out, int64(b.quantity), 10)
		out = append(out, '}')
	}
	return append(out, `]}`...)
}
