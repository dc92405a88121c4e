package medusa_test

import (
	"context"
	"io"
	"log"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/realserver"
)

// TestReal runs what a fake is tested with against a Medusa server with a PostgreSQL of its own.
func TestReal(t *testing.T) {
	t.Parallel()
	b := startMedusa(t)
	t.Run("scenarios", func(t *testing.T) {
		t.Parallel()
		runScenarios(t, b)
	})
	t.Run("contract", func(t *testing.T) {
		t.Parallel()
		runContract(t, inventoryv1alpha1.MedusaOnHand, func(*testing.T) *backend { return b })
	})
}

// startMedusa starts the server that hack/channels/medusa/install has installed.
func startMedusa(t *testing.T) *backend {
	t.Helper()
	node := realserver.Require(t, "node")
	folder, err := filepath.Abs("../../../hack/channels/medusa")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL=" + startPostgres(t), "NODE_ENV=production", "MEDUSA_DISABLE_TELEMETRY=true"}
	realserver.Run(t, realserver.Process{
		Path: node, Args: []string{filepath.Join("node_modules", "@medusajs", "cli", "cli.js"), "db:migrate", "--skip-scripts"}, Dir: folder, Env: env,
	})
	address := realserver.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	keyFile := filepath.Join(t.TempDir(), "key")
	realserver.Start(t, realserver.Process{
		Path: node, Args: []string{"serve.js"}, Dir: folder, Env: append(env, "PORT="+port, "KEY_FILE="+keyFile),
		Ready: func(context.Context) error {
			_, err := os.Stat(keyFile)
			return err
		},
	})
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of callers that go away
	return &backend{Handler: proxy, key: string(key)}
}

// startPostgres starts a PostgreSQL server with an empty database, and returns that one's URL. PostgreSQL
// refuses to run as root: then it runs as the user that Debian makes for it.
func startPostgres(t *testing.T) (databaseURL string) {
	t.Helper()
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(installed) == 0 {
		t.Fatalf("PostgreSQL is not installed: %v", err)
	}
	bin := filepath.Dir(slices.Max(installed))
	data, err := os.MkdirTemp("", "tallyman-postgres-") //nolint:usetesting // that of t.TempDir lies in a folder which is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	as := asPostgres(t, data)
	realserver.Run(t, as(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"))
	address := realserver.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	server := as(filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200")
	server.Ready = func(ctx context.Context) error {
		return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1", "-p", port).Run()
	}
	realserver.Start(t, server)
	return "postgres://postgres@" + address + "/postgres"
}

// asPostgres returns what makes commands that run as a user who may own a database, and gives it a folder.
func asPostgres(t *testing.T, folder string) func(path string, args ...string) realserver.Process {
	t.Helper()
	if os.Getuid() != 0 {
		return func(path string, args ...string) realserver.Process {
			return realserver.Process{Path: path, Args: args, Dir: folder}
		}
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	setpriv := realserver.Require(t, "setpriv")
	return func(path string, args ...string) realserver.Process {
		// To change the user makes the kernel forget that the process ends with the test.
		user := []string{"--reuid", owner.Uid, "--regid", owner.Gid, "--clear-groups", "--pdeathsig", "KILL", path}
		return realserver.Process{Path: setpriv, Args: append(user, args...), Dir: folder}
	}
}
