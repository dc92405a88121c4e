// Package testenv starts a real kube-apiserver and etcd for tests, with the CRDs and the
// admission policies of config/ installed.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/manifest"
)

// KubernetesVersion is the version that hack/controlplane builds into bin/k8s.
const KubernetesVersion = "1.37.2"

// Account is the user that Config and Client act as: Tallyman's ServiceAccount, which the admission policies know by its
// name, but with all rights.
const Account = "system:serviceaccount:tallyman-system:tallyman"

// Env is a running control plane.
type Env struct {
	Config *rest.Config
	Client client.WithWatch
	Admin  client.Client // a cluster administrator, whom the admission policies take for anybody
	Scheme *apiruntime.Scheme

	control *envtest.Environment
	spaces  atomic.Int64
	users   sync.Mutex // envtest's certificate authority is not made for concurrent use
}

// Scheme returns a scheme with the built-in kinds and Tallyman's.
func Scheme() *apiruntime.Scheme {
	scheme := apiruntime.NewScheme()
	for _, add := range []func(*apiruntime.Scheme) error{clientgoscheme.AddToScheme, inventoryv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // two packages that register the same kind: a programming error
		}
	}
	return scheme
}

// Root is the top folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Assets is the folder with kube-apiserver, etcd and kubectl.
func Assets() string {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		return dir
	}
	return filepath.Join(Root(), "bin", "k8s", KubernetesVersion)
}

// Start starts a control plane. The caller stops it; where Start fails, nothing is left running.
func Start() (*Env, error) {
	return start(&envtest.Environment{BinaryAssetsDirectory: Assets()})
}

// Attach installs the same into a control plane that somebody else has started, and will stop.
func Attach(cfg *rest.Config) (*Env, error) {
	return start(&envtest.Environment{UseExistingCluster: new(true), Config: cfg})
}

func start(control *envtest.Environment) (*Env, error) {
	scheme := Scheme()
	control.CRDDirectoryPaths = []string{filepath.Join(Root(), "config", "crd", "bases")}
	control.ErrorIfCRDPathMissing = true
	control.Scheme = scheme
	cfg, err := control.Start()
	if err != nil {
		err = fmt.Errorf("start the control plane (`make controlplane` builds it into bin/k8s): %w", err)
		return nil, errors.Join(err, control.Stop())
	}
	cfg.QPS = -1 // the API server's own priority and fairness is the limit
	env := &Env{Config: As(cfg, Account), Scheme: scheme, control: control}
	env.Client, err = client.NewWithWatch(env.Config, client.Options{Scheme: scheme})
	if err == nil {
		env.Admin, err = client.New(As(cfg, "admin"), client.Options{Scheme: scheme})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a client: %w", err), control.Stop())
	}
	if err := env.installAdmissionPolicies(context.Background()); err != nil {
		return nil, errors.Join(err, control.Stop())
	}
	return env, nil
}

// As returns a configuration that acts as another user, with all rights. The one that it is made from must have them.
func As(cfg *rest.Config, name string) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:masters"}}
	return cfg
}

// Stop stops the control plane.
func (e *Env) Stop() error { return e.control.Stop() }

// Main runs a package's tests on one control plane, stored in *env.
func Main(m *testing.M, env **Env) int {
	started, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*env = started
	code := m.Run()
	if err := started.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the control plane:", err)
		return 1
	}
	return code
}

// Namespace creates a fresh namespace for one test. Namespaces are not deleted: the control
// plane has no controller that would empty them, and it does not outlive the package.
func (e *Env) Namespace(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", e.spaces.Add(1))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := e.Client.Create(t.Context(), ns); err != nil {
		t.Fatalf("create namespace %s: %v", name, err)
	}
	return name
}

// Kubeconfig writes a kubeconfig of a cluster administrator into a folder of the test.
func (e *Env) Kubeconfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, e.control.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ServiceAccountKubeconfig is Kubeconfig for a user that has exactly the rights of a ServiceAccount, on
// a control plane of Start's. Its token would need a controller that this control plane has not, so it
// comes with a client certificate.
func (e *Env) ServiceAccountKubeconfig(t testing.TB, namespace, name string) string {
	t.Helper()
	e.users.Lock()
	defer e.users.Unlock()
	user, err := e.control.AddUser(envtest.User{
		Name:   fmt.Sprintf("system:serviceaccount:%s:%s", namespace, name),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace},
	}, nil)
	if err != nil {
		t.Fatalf("add a user: %v", err)
	}
	raw, err := user.KubeConfig()
	if err != nil {
		t.Fatalf("make a kubeconfig: %v", err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Batch is what the ingress stores of one request, without a name. Entries that name no UID have one that goes with
// their Location's name.
func Batch(stock ...inventoryv1alpha1.LocationStock) *inventoryv1alpha1.InventoryBatch {
	locations := map[string]struct{}{}
	skus := 0
	for i := range stock {
		if stock[i].LocationUID == "" {
			stock[i].LocationUID = types.UID(stock[i].LocationName)
		}
		locations[stock[i].LocationName] = struct{}{}
		skus += len(stock[i].Quantities)
	}
	return &inventoryv1alpha1.InventoryBatch{
		RequestCount: 1, LocationCount: int32(len(locations)), SKUCount: int32(skus),
		Senders:  []inventoryv1alpha1.BatchSender{{Client: "wms", Credential: "login"}},
		Requests: []inventoryv1alpha1.BatchRequest{{ID: "test", SKUCount: int32(skus)}},
		Stock:    stock,
	}
}

// Create creates objects or fails the test.
func (e *Env) Create(t testing.TB, objs ...client.Object) {
	t.Helper()
	for _, obj := range objs {
		if err := e.Client.Create(t.Context(), obj); err != nil {
			t.Fatalf("create %T %s/%s: %v", obj, obj.GetNamespace(), obj.GetName(), err)
		}
	}
}

// installAdmissionPolicies applies the policies that InventoryBatches and snapshots are under, as config/ has them.
func (e *Env) installAdmissionPolicies(ctx context.Context) error {
	if err := manifest.CreateDir(ctx, e.Admin, filepath.Join(Root(), "config", "admission")); err != nil {
		return err
	}
	return e.awaitAdmissionPolicies(ctx)
}

// awaitAdmissionPolicies waits until the policies are in force, which the API server learns by watch: until
// then it lets through what each of them refuses.
func (e *Env) awaitAdmissionPolicies(ctx context.Context) error {
	meta := metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, GenerateName: "policy-probe-"}
	batch := func(skuCount int32) client.Object {
		return &inventoryv1alpha1.InventoryBatch{ObjectMeta: meta, SKUCount: skuCount, Stock: []inventoryv1alpha1.LocationStock{}}
	}
	sound := batch(0)
	if err := e.Client.Create(ctx, sound); err != nil {
		return fmt.Errorf("create a batch: %w", err)
	}
	snapshot := func() client.Object {
		return &inventoryv1alpha1.InventorySnapshot{ObjectMeta: meta, LocationName: "probe", SKUs: map[string]inventoryv1alpha1.Quantity{}}
	}
	for _, refused := range []func(context.Context) error{
		func(ctx context.Context) error {
			sound.SetLabels(map[string]string{"at": time.Now().UTC().Format("150405.000000")})
			return e.Client.Update(ctx, sound)
		},
		func(ctx context.Context) error { return e.Admin.Create(ctx, batch(1)) },
		func(ctx context.Context) error { return e.Admin.Create(ctx, snapshot()) },
	} {
		if err := awaitRefusal(ctx, refused); err != nil {
			return err
		}
	}
	in := client.InNamespace(meta.Namespace)
	return errors.Join(e.Client.DeleteAllOf(ctx, batch(0), in), e.Client.DeleteAllOf(ctx, snapshot(), in))
}

// awaitRefusal repeats a write until a policy refuses it.
func awaitRefusal(ctx context.Context, write func(context.Context) error) error {
	const poll, patience = 50 * time.Millisecond, 30 * time.Second
	err := wait.PollUntilContextTimeout(ctx, poll, patience, true, func(ctx context.Context) (bool, error) {
		err := write(ctx)
		if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
			return true, nil // as the policies' reasons say
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("the admission policies do not come into force: %w", err)
	}
	return nil
}
