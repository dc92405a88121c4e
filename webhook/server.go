package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"tallyman.dev/tallyman/controllers/ledger"
)

// Options of a Server.
type Options struct {
	// Address to listen on.
	Address string
	// TLSDir has tls.crt and tls.key, reloaded when they change; plain HTTP where it is empty.
	TLSDir string
	// MaxBatchSKUs is the most SKUs in a request.
	MaxBatchSKUs int
	// MaxBodyBytes is the largest body, before and after decompression.
	MaxBodyBytes int64
	// Reader reads Clients, Locations and Secrets, from a cache that has the server's indexes.
	Reader client.Reader
	// Inventory answers reads.
	Inventory ledger.Reader
	// Writer stores batches, and Drain waits until all that it accepted are stored.
	Writer BatchWriter
	Drain  func(context.Context) error
	Clock  clock.WithTicker
}

// Server is the inventory ingress. It runs on every replica.
type Server struct {
	opts     Options
	resolver *resolver
	auth     *authenticator
	limiter  *rateLimiter

	stopping atomic.Bool
	synced   atomic.Bool
	bound    chan struct{}
	bind     sync.Once
	address  net.Addr
}

// New makes a server.
func New(opts Options) *Server {
	return &Server{
		opts:     opts,
		resolver: newResolver(opts.Reader),
		auth:     newAuthenticator(opts.Reader),
		limiter:  newRateLimiter(opts.Clock),
		bound:    make(chan struct{}),
	}
}

// SetupWithManager adds the server, what it follows and its readiness checks.
func (s *Server) SetupWithManager(ctx context.Context, mgr manager.Manager) error {
	if err := errors.Join(s.auth.follow(ctx, mgr.GetCache()), s.resolver.follow(ctx, mgr.GetCache())); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ingress", s.Ready); err != nil {
		return err
	}
	probe, err := apiServerCheck(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("api-server", probe); err != nil {
		return err
	}
	return mgr.Add(s)
}

// apiServerCheck reports whether the API server, without which nothing can be accepted, is ready.
func apiServerCheck(cfg *rest.Config, httpClient *http.Client) (func(*http.Request) error, error) {
	const patience = 2 * time.Second
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("the API server's address: %w", err)
	}
	url := base.JoinPath("readyz").String()
	return func(req *http.Request) error {
		ctx, cancel := context.WithTimeout(req.Context(), patience)
		defer cancel()
		probe, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := httpClient.Do(probe)
		if err != nil {
			return errors.New("the API server does not answer")
		}
		defer answer.Body.Close()
		// A cluster may forbid the path to service accounts; that it answers is enough then.
		if answer.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("the API server answers %d", answer.StatusCode)
		}
		return nil
	}, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (s *Server) NeedLeaderElection() bool { return false }

// Address waits until the server listens and returns where.
func (s *Server) Address(ctx context.Context) (net.Addr, error) {
	select {
	case <-s.bound:
		return s.address, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Ready is a healthz.Checker.
func (s *Server) Ready(*http.Request) error {
	switch {
	case s.stopping.Load():
		return errors.New("shutting down")
	case !s.synced.Load():
		return errors.New("the ingress does not listen yet")
	case !s.opts.Inventory.Synced():
		return errors.New("present quantities are still being loaded")
	}
	return nil
}

// Start serves until the context ends. The manager calls it when its caches have synced. Then it
// lets the requests under way finish, and waits until what was accepted is stored.
func (s *Server) Start(ctx context.Context) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	s.synced.Store(true)
	s.bind.Do(func() { s.address = listener.Addr(); close(s.bound) })
	log.FromContext(ctx).Info("The ingress listens", "address", listener.Addr().String(), "tls", s.opts.TLSDir != "")
	select {
	case err := <-serving:
		return fmt.Errorf("serve the ingress: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainGrace)
	defer cancel()
	return errors.Join(server.Shutdown(grace), s.opts.Drain(grace))
}

func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.opts.Address)
	if err != nil {
		return nil, fmt.Errorf("--ingress-bind-address=%s: %w", s.opts.Address, err)
	}
	if s.opts.TLSDir == "" {
		return listener, nil
	}
	watcher, err := certwatcher.New(filepath.Join(s.opts.TLSDir, "tls.crt"), filepath.Join(s.opts.TLSDir, "tls.key"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--ingress-tls-dir=%s: %w", s.opts.TLSDir, err), listener.Close())
	}
	go func() {
		if err := watcher.Start(ctx); err != nil {
			log.FromContext(ctx).Error(err, "Cannot watch the ingress's certificate")
		}
	}()
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: watcher.GetCertificate, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}
