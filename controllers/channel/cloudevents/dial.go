package cloudevents

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/net/proxy"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// dialTimeout bounds making a connection, with all that is said until it can be used.
	dialTimeout = 10 * time.Second

	// pingInterval is how often a connection at rest is checked.
	pingInterval = 30 * time.Second

	// maxAnswers bounds what is read of a connection since the last request, in bytes.
	maxAnswers = 16 << 20
)

// dialer makes connections to the servers of one Channel.
type dialer struct {
	servers string
	options []nats.Option
	network proxy.ContextDialer
	stream  string
	timeout time.Duration // of the first request
}

// newDialer returns what makes a connection. Its error is an *Error of class Terminal.
func newDialer(cfg channel.Config, spec inventoryv1alpha1.CloudEventsNATS, auth nats.Option) (func(context.Context) (*link, error), error) {
	network, err := newNetwork(cfg.Channel.Spec.Transport)
	if err != nil {
		return nil, err
	}
	secure, err := newTLS(cfg)
	if err != nil {
		return nil, err
	}
	d := &dialer{network: network, stream: spec.Stream, timeout: cfg.Channel.Timeout()}
	d.options = []nats.Option{
		nats.Name("tallyman"), nats.Timeout(dialTimeout), nats.PingInterval(pingInterval), nats.NoReconnect(),
		nats.IgnoreDiscoveredServers(), nats.SkipHostLookup(), secure,
	}
	if auth != nil {
		d.options = append(d.options, auth)
	}
	servers := make([]string, len(spec.Servers))
	for i, server := range spec.Servers {
		servers[i] = string(server)
	}
	d.servers = strings.Join(servers, ",")
	return d.dial, nil
}

// newTLS verifies servers with the roots of tlsSecretRef, and wants TLS where that is set.
func newTLS(cfg channel.Config) (nats.Option, error) {
	config, err := channel.TLSConfig(cfg)
	if err != nil {
		return nil, err
	}
	return func(o *nats.Options) error {
		o.TLSConfig = config
		o.Secure = o.Secure || cfg.TLS != nil // a tls URL wants it too
		return nil
	}, nil
}

// newNetwork goes through a SOCKS5 proxy, if one is set: those of HTTP are not for NATS.
func newNetwork(transport *inventoryv1alpha1.ChannelTransport) (proxy.ContextDialer, error) {
	direct := &net.Dialer{Timeout: dialTimeout}
	if transport == nil || transport.ProxyURL == "" {
		return direct, nil
	}
	bad := channel.NewError(channel.Terminal, channel.ReasonInvalidProxy, "spec.transport.proxyUrl: NATS is reached through a socks5 URL only")
	u, err := url.Parse(transport.ProxyURL)
	if err != nil || u.Scheme != "socks5" {
		return nil, bad
	}
	through, err := proxy.FromURL(u, direct)
	if err != nil {
		return nil, bad
	}
	dialer, ok := through.(proxy.ContextDialer)
	if !ok {
		return nil, bad
	}
	return dialer, nil
}

// dial connects to a server and looks the stream up.
func (d *dialer) dial(ctx context.Context) (*link, error) {
	l := &link{waiting: map[*waiter]struct{}{}, budget: &budget{}}
	l.budget.renew()
	handshake := &handshake{}
	defer context.AfterFunc(ctx, handshake.end)()
	var err error
	l.nc, err = nats.Connect(d.servers, append([]nats.Option{
		nats.SetCustomDialer(d.connect(ctx, l.budget, handshake)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.heard(err) }),
	}, d.options...)...)
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	if err := d.open(ctx, l); err != nil {
		l.nc.Close()
		return nil, err
	}
	return l, nil
}

// connect returns what makes the connections of a call.
func (d *dialer) connect(ctx context.Context, b *budget, h *handshake) dialFunc {
	return func(network, address string) (net.Conn, error) {
		conn, err := d.network.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		h.begin(conn)
		return bounded{conn, b}, nil
	}
}

// handshake ends with the call that makes it: nats.Connect knows no context.
type handshake struct {
	mu    sync.Mutex
	ended bool
	conn  net.Conn
}

func (h *handshake) begin(conn net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn = conn; h.ended {
		_ = conn.Close()
	}
}

func (h *handshake) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended = true; h.conn != nil {
		_ = h.conn.Close()
	}
}

// open finds the stream.
func (d *dialer) open(ctx context.Context, l *link) (err error) {
	if l.js, err = jetstream.New(l.nc); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return l.guard(ctx, streamInfoSubject+d.stream, func(ctx context.Context) (err error) {
		if l.stream, err = l.js.Stream(ctx, d.stream); err == nil {
			l.direct = l.stream.CachedInfo().Config.AllowDirect
		}
		return err
	})
}

// dialFunc is a nats.CustomDialer.
type dialFunc func(network, address string) (net.Conn, error)

// Dial implements nats.CustomDialer.
func (f dialFunc) Dial(network, address string) (net.Conn, error) { return f(network, address) }

// budget is how much may still be read.
type budget struct{ left atomic.Int64 }

func (b *budget) renew() { b.left.Store(maxAnswers) }

// bounded is a connection that ends where a server sends without end.
type bounded struct {
	net.Conn
	*budget
}

// Read implements net.Conn.
func (c bounded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.left.Add(-int64(n)) < 0 {
		return 0, fmt.Errorf("the server has sent more than %d bytes at a request", maxAnswers)
	}
	return n, err
}
