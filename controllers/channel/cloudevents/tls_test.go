package cloudevents_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// selfSigned makes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestTLS reaches a server that wants to know who calls.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	foreign, _ := selfSigned(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	secured := startBus(t, nil, func(o *server.Options) {
		o.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert,
		}
		o.TLSTimeout = patience.Seconds()
	})
	secured.createStream()
	stream := streamConfig()
	plain := startBus(t, &stream, nil)
	good := map[string][]byte{"ca.crt": cert, "tls.crt": cert, "tls.key": key}
	cases := map[string]struct {
		bus    *bus
		scheme string
		secret map[string][]byte
		works  bool
	}{
		"both sides known":          {secured, "tls://", good, true},
		"as the server wants it":    {secured, "nats://", good, true},
		"server unknown":            {secured, "tls://", map[string][]byte{"ca.crt": foreign, "tls.crt": cert, "tls.key": key}, false},
		"no roots":                  {secured, "tls://", nil, false},
		"no client certificate":     {secured, "tls://", map[string][]byte{"ca.crt": cert}, false},
		"TLS wanted, none there":    {plain, "tls://", nil, false},
		"Secret given, no TLS":      {plain, "nats://", good, false},
		"none wanted, none offered": {plain, "nats://", nil, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := tc.bus.config(inventoryv1alpha1.LocationWise)
			cfg.Channel.Spec.CloudEvents.NATS.Servers = []inventoryv1alpha1.NATSURL{inventoryv1alpha1.NATSURL(tc.scheme + tc.bus.server.Addr().String())}
			cfg.TLS = tc.secret
			err := build(t, cfg).Probe(t.Context())
			if (err == nil) != tc.works {
				t.Errorf("Probe: %v, want success: %v", err, tc.works)
			}
			if e := channel.AsError(err); e != nil && e.Class != channel.Retry {
				t.Errorf("class %s, want %s", e.Class, channel.Retry)
			}
		})
	}
}

// TestProxy goes through a SOCKS5 proxy, and refuses one of HTTP.
func TestProxy(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	greeting := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		hello := make([]byte, 3)
		n, _ := conn.Read(hello)
		greeting <- hello[:n]
	}()
	cfg := natsConfig("nats://nats.example.com", inventoryv1alpha1.LocationWise)
	cfg.Channel.Spec.Transport = &inventoryv1alpha1.ChannelTransport{ProxyURL: "socks5://" + listener.Addr().String()}
	if err := build(t, cfg).Probe(t.Context()); err == nil {
		t.Error("Probe succeeds through a proxy that hangs up")
	}
	if got := <-greeting; !bytes.HasPrefix(got, []byte{5}) {
		t.Errorf("the proxy is greeted with %v, want SOCKS5", got)
	}
	cfg.Channel.Spec.Transport.ProxyURL = "http://127.0.0.1:1"
	_, err = cloudevents.New(cfg)
	contract.WantError(t, err, channel.Terminal, "InvalidProxy")
	if !strings.Contains(err.Error(), "socks5") {
		t.Errorf("error %v, want it to name socks5", err)
	}
}
