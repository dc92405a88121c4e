package linearizability

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"tallyman.dev/tallyman/hack/fixture"
	"tallyman.dev/tallyman/hack/history"
)

// What is written.
var (
	locations = slices.Sorted(maps.Keys(fixture.Locations))
	pools     = []int64{0, 1}
	skus      = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
)

// register names a quantity of the history.
type register struct {
	location string
	pool     int64
	sku      string
}

func (r register) String() string { return fmt.Sprintf("%s/%d/%s", r.location, r.pool, r.sku) }

// sender sends one batch after the other.
type sender struct {
	*rand.Rand
	user     string
	replicas []string // URLs
	client   http.Client
	recorder *history.Recorder
	last     *atomic.Int64 // of all senders: the last quantity that nobody else has sent
	counts   *counts
}

// counts tells how much a round has tried.
type counts struct{ stored, refused, unknown atomic.Int64 }

// errRefused means that nothing was written, and nothing will be.
var errRefused = errors.New("refused")

// refused reports whether an error says so, as one does of a connection that never came about.
func refused(err error) bool {
	var op *net.OpError
	return errors.Is(err, errRefused) || errors.As(err, &op) && op.Op == "dial"
}

// run sends until the context ends, and then waits for its last answer. What fails is sent once more,
// through another replica.
func (s *sender) run(ctx context.Context) {
	for pause(ctx, time.Duration(s.Int64N(int64(150*time.Millisecond)))) {
		replica, batch := s.IntN(len(s.replicas)), s.batch()
		if s.send(s.replicas[replica], batch) {
			continue
		}
		if pause(ctx, time.Duration(s.Int64N(int64(time.Second)))) {
			s.send(s.replicas[(replica+1)%len(s.replicas)], batch)
		}
	}
}

// batch draws quantities. Most are unique, so that a read tells which write it saw; some come again and
// again, as a quantity that does not change is special.
func (s *sender) batch() map[register]int64 {
	out := map[register]int64{}
	for range 1 + s.IntN(6) {
		r := register{locations[s.IntN(len(locations))], pools[s.IntN(len(pools))], skus[s.IntN(len(skus))]}
		out[r] = s.last.Add(1)
		if s.IntN(4) == 0 {
			out[r] = s.Int64N(3)
		}
	}
	return out
}

// send sends a batch, records what became of it, and reports whether all of it was stored.
func (s *sender) send(replica string, batch map[register]int64) bool {
	began := s.recorder.Begin()
	result, err := s.put(replica, batch)
	if refused(err) {
		s.counts.refused.Add(1)
		return false
	}
	known, unknown := map[string]int64{}, map[string]int64{}
	for r, q := range batch {
		if result[r.sku] {
			known[r.String()] = q
		} else {
			unknown[r.String()] = q
		}
	}
	s.recorder.Write(began, true, known)
	s.recorder.Write(began, false, unknown)
	s.counts.stored.Add(int64(len(known)))
	s.counts.unknown.Add(int64(len(unknown)))
	return len(unknown) == 0
}

// item is an element of an array payload.
type item struct {
	ClientID int64  `json:"clientId"`
	SKU      string `json:"clientSkuId"`
	Pool     int64  `json:"inventoryPoolId"`
	Quantity int64  `json:"quantity"`
	Location int64  `json:"fulfillmentLocationId"`
}

// put sends a batch, and returns the SKUs that were stored wherever it names them. An error says nothing
// of what was stored, unless it is a refusal.
func (s *sender) put(replica string, batch map[register]int64) (map[string]bool, error) {
	var items []item
	for r, q := range batch {
		items = append(items, item{fixture.ClientID, r.sku, r.pool, q, fixture.Locations[r.location]})
	}
	body, err := json.Marshal(items)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPut, replica+"/usp/inventories/absolute", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(s.user, fixture.Password)
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode >= 400 && answer.StatusCode < 500:
		return nil, fmt.Errorf("%w: %s", errRefused, answer.Status)
	case answer.StatusCode != http.StatusOK:
		return nil, errors.New(answer.Status)
	}
	return stored(answer.Body)
}

// stored reads an answer.
func stored(body io.Reader) (map[string]bool, error) {
	var report struct {
		Failures  []string `json:"failureSkus"`
		Successes []string `json:"successSkus"`
	}
	if err := json.NewDecoder(body).Decode(&report); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, sku := range report.Successes {
		out[sku] = true
	}
	for _, sku := range report.Failures { // perhaps in one of several snapshots
		delete(out, sku)
	}
	return out, nil
}
