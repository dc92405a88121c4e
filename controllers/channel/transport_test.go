package channel

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// TestRedirects checks that no request reaches an address that the Channel does not declare, and
// that a PUT never becomes another method.
func TestRedirects(t *testing.T) {
	t.Parallel()
	const here, elsewhere = "here", "elsewhere"
	cases := map[string]struct {
		status    int
		to        string
		wantClass Class // empty where the redirect is followed
	}{
		"same origin, same method":           {307, here, ""},
		"same origin, for good":              {308, here, ""},
		"same origin, would become GET":      {302, here, Retry},
		"same origin, would become GET, 303": {303, here, Retry},
		"same origin, would become GET, 301": {301, here, Terminal},
		"other port":                         {307, elsewhere, Retry},
		"other port, for good":               {308, elsewhere, Terminal},
		"other scheme":                       {307, "https", Retry},
		"other host name":                    {308, "localhost", Terminal},
		"in a circle":                        {307, "circle", Retry},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var strayed, arrived atomic.Int32
			stranger := serve(t, func(http.ResponseWriter, *http.Request) { strayed.Add(1) })
			var target string
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/arrived" {
					body, _ := io.ReadAll(r.Body)
					if r.Method == http.MethodPut && string(body) == "1" && r.Header.Get("X-Key") == "k" {
						arrived.Add(1)
					} else {
						strayed.Add(1)
					}
					return
				}
				http.Redirect(w, r, target, tc.status)
			})
			port := server.Listener.Addr().(*net.TCPAddr).Port
			target = map[string]string{
				here: "/arrived", elsewhere: stranger.URL + "/arrived", "circle": "/circle",
				"https":     fmt.Sprintf("https://127.0.0.1:%d/arrived", port),
				"localhost": fmt.Sprintf("http://localhost:%d/arrived", port),
			}[tc.to]
			_, err := newClient(t, nil).Do(t.Context(), Request{
				Method: http.MethodPut, URL: server.URL + "/start", Header: http.Header{"X-Key": {"k"}}, Body: 1,
			})
			if tc.wantClass == "" && err != nil {
				t.Errorf("Do: %v", err)
			}
			if tc.wantClass != "" {
				wantError(t, err, tc.wantClass, "Redirected")
			}
			if arrived.Load() == 1 != (tc.wantClass == "") || strayed.Load() != 0 {
				t.Errorf("%d requests arrived, %d went astray", arrived.Load(), strayed.Load())
			}
		})
	}
}

func TestEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Parallel()
	if newClient(t, nil).client.Transport.(*http.Transport).Proxy != nil {
		t.Error("there is a proxy that the Channel does not declare")
	}
}

// TestProxies reaches a channel whose name only the proxy can resolve.
func TestProxies(t *testing.T) {
	t.Parallel()
	channel := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("reached")) })
	secure := fakeserver.StartTLS(t, channel.Config.Handler)
	ca := encode("CERTIFICATE", secure.Certificate().Raw)
	cases := map[string]struct {
		proxy func(*testing.T, string) string // makes a proxy to an address, returns its URL
		to    *httptest.Server
		url   string
	}{
		"http":                {forwardProxy, channel, "http://shop.example.com/"},
		"http, with a tunnel": {forwardProxy, secure, "https://example.com/"}, // the name in httptest's certificate
		"socks5":              {socksProxy, channel, "http://shop.example.com/"},
		"socks5, with TLS":    {socksProxy, secure, "https://example.com/"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := tc.proxy(t, tc.to.Listener.Addr().String())
			client := newClient(t, func(c *Config) {
				c.Channel.Spec.Transport = &inventoryv1alpha1.ChannelTransport{ProxyURL: proxy}
				c.TLS = map[string][]byte{"ca.crt": ca}
			})
			answer, err := client.Do(t.Context(), Request{Method: http.MethodPut, URL: tc.url, Body: 1})
			if err != nil || string(answer.Body) != "reached" {
				t.Errorf("Do = %+v, %v", answer, err)
			}
		})
	}
}

func TestProxyThatRefuses(t *testing.T) {
	t.Parallel()
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	for _, scheme := range []string{"http", "https"} {
		client := newClient(t, func(c *Config) {
			c.Channel.Spec.Transport = &inventoryv1alpha1.ChannelTransport{ProxyURL: proxy.URL}
		})
		_, err := client.Do(t.Context(), Request{Method: http.MethodPut, URL: scheme + "://shop.example.com/", Body: 1})
		wantError(t, err, Unauthorized, "Unauthorized")
	}
}

// forwardProxy sends whatever it is asked for to one address.
func forwardProxy(t *testing.T, to string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			tunnel(conn, to)
			return
		}
		if !r.URL.IsAbs() {
			t.Errorf("the proxy is asked for %s as if it were the channel", r.URL)
		}
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Host = "", to
		answer, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}).URL
}

// socksProxy sends whatever it is asked for to one address (RFC 1928, without authentication, by
// names only).
func socksProxy(t *testing.T, to string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				if greetSocks(conn) != nil {
					_ = conn.Close()
					return
				}
				tunnel(conn, to)
			}()
		}
	}()
	return "socks5://" + listener.Addr().String()
}

func greetSocks(conn net.Conn) error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[1])); err != nil { // the methods offered
		return err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return err
	}
	request := make([]byte, 5)
	if _, err := io.ReadFull(conn, request); err != nil {
		return err
	}
	if request[0] != 5 || request[1] != 1 || request[3] != 3 {
		return fmt.Errorf("not a request to connect to a name: %v", request)
	}
	if _, err := io.CopyN(io.Discard, conn, int64(request[4])); err != nil { // the name
		return err
	}
	var port uint16
	if err := binary.Read(conn, binary.BigEndian, &port); err != nil {
		return err
	}
	_, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return err
}

// tunnel copies both ways until one end closes.
func tunnel(conn net.Conn, to string) {
	defer conn.Close()
	target, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer target.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{conn, target}, {target, conn}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1])
			done <- struct{}{}
		}()
	}
	<-done
}

func TestTLS(t *testing.T) {
	t.Parallel()
	clientCert, clientKey := selfSigned(t)
	cases := map[string]struct {
		server    *tls.Config
		untrusted bool // the client does not know the server's CA
		noCert    bool // the client has no certificate
		wantErr   bool
	}{
		"CA and client certificate":  {server: &tls.Config{ClientAuth: tls.RequireAnyClientCert}},
		"no client certificate":      {server: &tls.Config{ClientAuth: tls.RequireAnyClientCert}, noCert: true, wantErr: true},
		"unknown CA":                 {server: &tls.Config{}, untrusted: true, wantErr: true},
		"TLS 1.2":                    {server: &tls.Config{MaxVersion: tls.VersionTLS12}},
		"TLS 1.1 is not good enough": {server: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, wantErr: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := make(chan []byte, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if len(r.TLS.PeerCertificates) > 0 {
					peer <- r.TLS.PeerCertificates[0].Raw
				}
			}))
			server.TLS = tc.server
			server.StartTLS()
			t.Cleanup(server.Close)
			client := newClient(t, func(c *Config) {
				c.TLS = map[string][]byte{}
				if !tc.untrusted {
					c.TLS["ca.crt"] = encode("CERTIFICATE", server.Certificate().Raw)
				}
				if !tc.noCert {
					c.TLS["tls.crt"], c.TLS["tls.key"] = clientCert, clientKey
				}
			})
			_, err := client.Do(t.Context(), Request{Method: http.MethodGet, URL: server.URL})
			if (err != nil) != tc.wantErr {
				t.Fatalf("Do: %v, want an error: %v", err, tc.wantErr)
			}
			if err != nil && AsError(err).Class != Retry {
				t.Errorf("class %s, want %s", AsError(err).Class, Retry)
			}
			if tc.server.ClientAuth != tls.NoClientCert && !tc.wantErr && !bytes.Equal(encode("CERTIFICATE", <-peer), clientCert) {
				t.Error("the server has not seen the client's certificate")
			}
		})
	}
}

func TestInvalidTransport(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	_, otherKey := selfSigned(t)
	cases := map[string]struct {
		tls        map[string][]byte
		proxy      string
		wantReason string
	}{
		"CA that is no PEM":         {tls: map[string][]byte{"ca.crt": []byte("nonsense")}, wantReason: "InvalidCertificate"},
		"certificate without a key": {tls: map[string][]byte{"tls.crt": cert}, wantReason: "InvalidCertificate"},
		"key without a certificate": {tls: map[string][]byte{"tls.key": key}, wantReason: "InvalidCertificate"},
		"no pair":                   {tls: map[string][]byte{"tls.crt": cert, "tls.key": otherKey}, wantReason: "InvalidCertificate"},
		"proxy that is no URL":      {proxy: "http://user:passw0rd@bad host", wantReason: "InvalidProxy"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Channel: &inventoryv1alpha1.Channel{}, TLS: tc.tls}
			cfg.Channel.Spec.Transport = &inventoryv1alpha1.ChannelTransport{ProxyURL: tc.proxy}
			_, err := NewHTTPClient(cfg)
			wantError(t, err, Terminal, tc.wantReason)
			wantSecret(t, err, "passw0rd")
			wantSecret(t, err, "PRIVATE")
		})
	}
}

// selfSigned makes a certificate and its key.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tallyman"},
		NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalECPrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", raw), encode("EC PRIVATE KEY", rawKey)
}

func encode(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}
