package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate makes a self-signed certificate for the loopback address, as PEM.
func certificate(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"ingress.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pair.Public(), pair)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// project writes a certificate into a folder as a Secret volume does: into a folder of its own, to
// which a symlink is then swapped. The one before goes.
func project(t *testing.T, dir string, serial int64) {
	t.Helper()
	data := filepath.Join(dir, "..data")
	before, _ := os.Readlink(data) // none at first
	into := filepath.Join(dir, fmt.Sprintf("..version-%d", serial))
	cert, key := certificate(t, serial)
	fresh := filepath.Join(dir, "..data_tmp")
	steps := []func() error{
		func() error { return os.Mkdir(into, 0o700) },
		func() error { return os.WriteFile(filepath.Join(into, "tls.crt"), cert, 0o600) },
		func() error { return os.WriteFile(filepath.Join(into, "tls.key"), key, 0o600) },
		func() error { return os.Symlink(filepath.Base(into), fresh) },
		func() error { return os.Rename(fresh, data) },
	}
	if before != "" {
		steps = append(steps, func() error { return os.RemoveAll(filepath.Join(dir, before)) })
	} else {
		for _, file := range []string{"tls.crt", "tls.key"} {
			steps = append(steps, func() error { return os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)) })
		}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// shown returns the serial number of the certificate that a new handshake gets.
func (s *served) shown(t *testing.T) int64 {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// TestCertificateReload replaces the certificate while the ingress serves.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	project(t, dir, 1)
	s := start(t, func(o *Options) { o.TLSDir = dir })
	if got := s.shown(t); got != 1 {
		t.Fatalf("the first handshake shows certificate %d, want 1", got)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	send := func() *http.Response {
		t.Helper()
		r := call{body: specObject}.request(t.Context())
		r.RequestURI, r.URL.Scheme, r.URL.Host = "", "https", s.host
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if resp := send(); resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		t.Errorf("status %d over HTTP/%d, want 200 over 2", resp.StatusCode, resp.ProtoMajor)
	}

	project(t, dir, 2)
	eventually(t, "the new certificate", func() bool { return s.shown(t) == 2 })
	resp := send()
	if resp.StatusCode != http.StatusOK || resp.TLS.PeerCertificates[0].SerialNumber.Int64() != 1 {
		t.Errorf("a connection from before: status %d, want 200 without another handshake", resp.StatusCode)
	}
	select {
	case err := <-s.stopped:
		t.Errorf("the ingress has stopped: %v", err)
	default:
	}
}

// TestWithoutCertificate starts with a folder that has none.
func TestWithoutCertificate(t *testing.T) {
	t.Parallel()
	r := newHarness(t)
	r.opts.Address, r.opts.TLSDir = "127.0.0.1:0", t.TempDir()
	if err := r.Start(t.Context()); err == nil {
		t.Error("Start: no error, want one that names --ingress-tls-dir")
	}
}
