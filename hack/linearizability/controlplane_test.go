package linearizability

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"

	"tallyman.dev/tallyman/hack/testenv"
)

const loopback = "127.0.0.1"

// controlPlane is an etcd that keeps its data, and an API server that keeps its certificates. Both have
// the same address whenever they are started again.
type controlPlane struct {
	etcd, apiServer *process
	config          *rest.Config // of Tallyman's account, with all rights
}

// startControlPlane starts both, and waits until they serve. envtest's cannot be killed and started again.
func startControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	dir, etcd, api := t.TempDir(), freeAddress(t), freeAddress(t)
	certificate, key, err := cert.GenerateSelfSignedCertKey(loopback, []net.IP{net.ParseIP(loopback)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const token = "of-a-cluster-that-lives-for-a-minute"
	for name, content := range map[string][]byte{
		"tls.crt": certificate, "tls.key": key, "tokens.csv": []byte(token + "," + testenv.Account + `,tallyman,"system:masters"` + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &controlPlane{config: &rest.Config{
		Host: "https://" + api, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: certificate},
		Timeout: requestTimeout,
	}}
	p.etcd = start(t, "etcd", filepath.Join(testenv.Assets(), "etcd"), etcdArgs(filepath.Join(dir, "etcd"), etcd))
	p.apiServer = start(t, "kube-apiserver", filepath.Join(testenv.Assets(), "kube-apiserver"), apiServerArgs(dir, etcd, api))
	client, err := rest.HTTPClientFor(p.config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return ready(client, p.config.Host) })
	return p
}

// etcdArgs are for one member. It waits for the disk before it acknowledges, as it does by default.
func etcdArgs(data, address string) []string {
	return []string{
		"--data-dir=" + data,
		"--listen-client-urls=http://" + address,
		"--advertise-client-urls=http://" + address,
		"--listen-peer-urls=http://" + loopback + ":0",
	}
}

// apiServerArgs are about those that envtest uses.
func apiServerArgs(dir, etcd, address string) []string {
	key := filepath.Join(dir, "tls.key")
	_, port, _ := net.SplitHostPort(address)
	return []string{
		"--etcd-servers=http://" + etcd,
		"--bind-address=" + loopback,
		"--secure-port=" + port,
		"--cert-dir=" + dir,
		"--tls-cert-file=" + filepath.Join(dir, "tls.crt"),
		"--tls-private-key-file=" + key,
		"--token-auth-file=" + filepath.Join(dir, "tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--disable-admission-plugins=ServiceAccount", // nobody makes the default one
		"--service-account-issuer=https://" + address + "/",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
	}
}

// freeAddress returns a loopback address that stays free while nobody listens on it: its port is below
// those that systems hand out by themselves.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort(loopback, strconv.Itoa(10_000+rand.IntN(22_000)))
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// ready returns why a server is not ready, nil if it says that it is.
func ready(client *http.Client, url string) error {
	answer, err := client.Get(url + "/readyz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/readyz: %s", url, answer.Status)
	}
	return nil
}
