package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// ports holds the addresses that a person knows, from before the first process is started, so
// that nobody else takes them meanwhile.
type ports struct {
	ingress net.Listener // held until the manager takes the address over
	demo    net.Listener // served by the demo channel
}

func reservePorts(opts options) (*ports, error) {
	ingress, err := reserve(ingressAddrEnv, opts.ingressAddr)
	if err != nil {
		return nil, err
	}
	demo, err := reserve(demoAddrEnv, opts.demoAddr)
	if err != nil {
		return nil, errors.Join(err, ingress.Close())
	}
	return &ports{ingress: ingress, demo: demo}, nil
}

// release gives up what nobody has taken over. Closing a listener twice is harmless.
func (p *ports) release() {
	_ = p.ingress.Close()
	_ = p.demo.Close()
}

// reserve listens on an address that the environment variable env may set.
func reserve(env, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s is in use by another program: end that, or set %s to another host:port", env, addr, env)
	case err != nil:
		return nil, fmt.Errorf("%s %s: want a host:port of this machine: %w", env, addr, err)
	}
	return l, nil
}

// dialable is where a listener is reached from this machine: its address, with the loopback for
// "all addresses".
func dialable(l net.Listener) string {
	addr := l.Addr().(*net.TCPAddr)
	ip := addr.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return (&net.TCPAddr{IP: ip, Port: addr.Port, Zone: addr.Zone}).String()
}

// freeAddr is a loopback address that nobody listens on right now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
