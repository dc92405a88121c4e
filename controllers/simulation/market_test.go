package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// mood is how a shop answers at present.
type mood int

const (
	fine       mood = iota
	flaky           // loses calls now and then, before or after they are applied
	failing         // refuses calls, before or after they are applied
	throttling      // asks for pauses
	hanging         // does not answer; now and then it applies the call nevertheless
	picky           // fails single items without saying whether a retry helps
	tardy           // applies calls some time after their sender has given up
	moods
)

// longest bounds how long after its sender has given up a call is applied.
const longest = 10 * time.Second

// listing is what a shop sells: a SKU at a location, by its code; without one in Consolidated mode.
type listing struct{ code, sku string }

// shop is what a channel leads to.
type shop struct {
	*chance

	mu       sync.Mutex
	mood     mood
	password string
	stock    map[listing]int64
	calls    int
	waiting  int                                              // calls that are applied late
	answer   func(channel.Batch) (channel.Result, error)      // instead of what the mood says; nil for that
	hold     func(ctx context.Context, password string) error // before a call arrives; nil for at once
	most     int64                                            // that may be shown in all; 0 for no limit
	oversold int                                              // times that more was shown
}

// market holds all shops, by the UID of the Channel.
type market struct {
	mu    sync.Mutex
	shops map[types.UID]*shop
	// called is told of each call before it is made.
	called func(c *connector, batch channel.Batch)
}

func newMarket() *market { return &market{shops: map[types.UID]*shop{}} }

func (m *market) open(uid types.UID, c *chance, password string) *shop {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &shop{chance: c, password: password, stock: map[listing]int64{}}
	m.shops[uid] = s
	return s
}

func (m *market) shop(uid types.UID) *shop {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shops[uid]
}

func (m *market) all() []*shop {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.shops))
}

// factory builds the connectors of a process.
func (m *market) factory(p *process) channel.Factory {
	return func(cfg channel.Config) (channel.Connector, error) {
		s := m.shop(cfg.Channel.UID)
		if s == nil {
			return nil, channel.NewError(channel.Terminal, "NoShop", "there is no such shop")
		}
		return &connector{
			shop: s, market: m, process: p, password: string(cfg.Credentials["password"]),
			channel: cfg.Channel.DeepCopy(),
		}, nil
	}
}

// connector reaches a shop.
type connector struct {
	*shop
	market   *market
	process  *process
	channel  *inventoryv1alpha1.Channel
	password string
}

var _ channel.Reader = (*connector)(nil)

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: 4, MaxParallel: 2, OneLocationPerCall: true}
}

// Probe implements channel.Connector.
func (c *connector) Probe(ctx context.Context) error {
	if !c.process.runs() || !pause(ctx, c.upTo(20*time.Millisecond)) {
		return errLost
	}
	return c.admit()
}

// admit refuses a password that is not, or not any more, that of the shop.
func (c *connector) admit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.password != c.shop.password {
		return channel.NewError(channel.Unauthorized, "Unauthorized", "401 Unauthorized")
	}
	return nil
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (result channel.Result, err error) {
	if !c.process.runs() || ctx.Err() != nil { // who stood still for as long does not begin any more
		return result, errLost
	}
	if c.market.called != nil {
		c.market.called(c, batch)
	}
	err = c.process.step(func() error {
		result, err = c.call(ctx, batch)
		return err
	})
	if !c.process.runs() {
		return channel.Result{}, errLost
	}
	return result, err
}

// call is a call on its way.
func (c *connector) call(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	c.mu.Lock()
	c.calls++
	mood, answer, hold := c.mood, c.answer, c.hold
	c.mu.Unlock()
	if hold != nil {
		if err := hold(ctx, c.password); err != nil {
			return channel.Result{}, err
		}
	}
	if !pause(ctx, c.delay()) {
		if c.n(2) == 0 {
			c.take(batch, nil)
		}
		return channel.Result{}, ctx.Err()
	}
	if err := c.admit(); err != nil {
		return channel.Result{}, err
	}
	if answer != nil {
		result, err := answer(batch)
		if err == nil {
			c.take(batch, result.Failures)
		}
		return result, err
	}
	return c.inMood(ctx, mood, batch)
}

func (c *connector) inMood(ctx context.Context, mood mood, batch channel.Batch) (channel.Result, error) {
	unlucky := c.n(2) == 0
	switch {
	case mood == flaky && c.n(6) > 0:
	case mood == flaky && unlucky:
		return channel.Result{}, errLost
	case mood == flaky:
		c.take(batch, nil)
		return channel.Result{}, errLost
	case mood == failing && unlucky:
		c.take(batch, nil)
		return channel.Result{}, errLost
	case mood == failing:
		return channel.Result{}, channel.NewError(channel.Retry, "Unavailable", "503 Service Unavailable")
	case mood == throttling && unlucky:
		return channel.Result{}, &channel.Error{Class: channel.Throttled, Reason: "Throttled", RetryAfter: c.upTo(5 * time.Second)}
	case mood == hanging && unlucky:
		<-ctx.Done()
		if c.n(2) == 0 {
			c.take(batch, nil)
		}
		return channel.Result{}, ctx.Err()
	case mood == tardy && unlucky:
		<-ctx.Done()
		c.takeLate(batch)
		return channel.Result{}, ctx.Err()
	case mood == picky:
		failed := map[int]*channel.Error{}
		for i := range batch.Items {
			if c.n(4) == 0 {
				failed[i] = channel.NewError(channel.Unconfirmed, "Locked", "the item is locked")
			}
		}
		c.take(batch, failed)
		return channel.Result{Failures: failed}, nil
	}
	c.take(batch, nil)
	return channel.Result{}, nil
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	out := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
	if !c.process.runs() || !pause(ctx, c.upTo(50*time.Millisecond)) {
		return out, errLost
	}
	if err := c.admit(); err != nil {
		return out, err
	}
	for i, it := range batch.Items {
		if q, known := c.quantity(at(batch.Mode, it)); known {
			out.Quantities[i] = q
			continue
		}
		out.Failures[i] = channel.NewError(channel.Unmapped, "Unknown", "no such SKU")
	}
	return out, nil
}

func at(mode inventoryv1alpha1.ChannelMode, it channel.Item) listing {
	if mode == inventoryv1alpha1.Consolidated {
		return listing{"", it.SKU}
	}
	return listing{it.LocationCode, it.SKU}
}

// take applies a call, but for the items that failed.
func (s *shop) take(batch channel.Batch, failed map[int]*channel.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, it := range batch.Items {
		if failed[i] != nil {
			continue
		}
		s.stock[at(batch.Mode, it)] = it.Quantity
		if s.most > 0 && s.sum(it.SKU) > s.most {
			s.oversold++
		}
	}
}

// takeLate applies a call some time after its sender has given up.
func (s *shop) takeLate(batch channel.Batch) {
	s.count(1)
	go func() {
		defer s.count(-1)
		pause(context.Background(), s.upTo(longest))
		s.take(batch, nil)
	}()
}

func (s *shop) count(waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += waiting
}

// awaitLate waits until no call is left that is applied late.
func (s *shop) awaitLate() {
	left := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.waiting
	}
	for left() > 0 {
		pause(context.Background(), time.Second)
	}
}

// sum is what is shown of a SKU over all locations. The lock must be held.
func (s *shop) sum(sku string) int64 {
	var sum int64
	for l, q := range s.stock {
		if l.sku == sku {
			sum += q
		}
	}
	return sum
}

func (s *shop) quantity(l listing) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, known := s.stock[l]
	return q, known
}

// limit tells the shop what may be shown in all, so that it can count when there is more.
func (s *shop) limit(e *inventoryv1alpha1.Exposure) {
	s.set(func(s *shop) {
		s.most = 0
		if e != nil && e.Total != nil {
			s.most = *e.Total.Cap
		}
	})
}

// delay is how long a call takes: now and then it is long.
func (s *shop) delay() time.Duration {
	if s.n(8) == 0 {
		return s.upTo(time.Second)
	}
	return s.upTo(50 * time.Millisecond)
}

// called returns how many calls have arrived.
func (s *shop) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// admits returns the password that is asked for.
func (s *shop) admits() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.password
}

// copy returns all that is listed.
func (s *shop) copy() map[listing]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.stock)
}

// set changes how the shop behaves.
func (s *shop) set(change func(s *shop)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (l listing) String() string { return fmt.Sprintf("%s at %q", l.sku, l.code) }
