package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"k8s.io/utils/clock"
)

// maxCall bounds the body of a call, in bytes; the standard's 200 items are far below it.
const maxCall = 8 << 20

// receiver is where all channels lead: it takes the calls of the omni standard, notes the time, and confirms
// everything. It keeps no stock, as a real channel's memory would not be on this machine either.
type receiver struct {
	clock   clock.PassiveClock
	tracker *tracker
	server  *http.Server
	address string
}

// startReceiver listens on loopback.
func startReceiver(ctx context.Context, c clock.PassiveClock, t *tracker) (*receiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{clock: c, tracker: t, address: l.Addr().String()}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }() // it ends with close
	return r, nil
}

func (r *receiver) close() error { return r.server.Close() }

// url is where the n-th channel calls.
func (r *receiver) url(n int) string { return fmt.Sprintf("http://%s/%d", r.address, n) }

// ServeHTTP takes a call. The time is that at which its body is complete: from then on the channel can sell by it.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPut {
		w.WriteHeader(http.StatusNoContent) // the probe asks for OPTIONS
		return
	}
	channel, err := strconv.Atoi(strings.TrimPrefix(req.URL.Path, "/"))
	body, bodyErr := io.ReadAll(http.MaxBytesReader(w, req.Body, maxCall))
	now := r.clock.Now()
	call := inventoryCall{}
	if err := errors.Join(err, bodyErr, json.Unmarshal(body, &call)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, it := range call.Inventories {
		r.tracker.received(channel, it.SKU, it.quantity(), now)
	}
	// An empty answer confirms everything, by the standard.
}

// inventoryCall is a body in either shape of the standard.
type inventoryCall struct {
	Inventories []inventoryItem `json:"inventories"`
}

type inventoryItem struct {
	SKU          string `json:"channelSkuCode"`
	Quantity     int64  `json:"quantity"`
	Consolidated *int64 `json:"consolidatedQuantity"`
}

func (i inventoryItem) quantity() int64 {
	if i.Consolidated != nil {
		return *i.Consolidated
	}
	return i.Quantity
}
