package cloudevents_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
)

// Names on the bus.
const (
	busUser, busPassword = "tallyman", "s3cret-password"
	busAdmin             = "admin"
	busStream            = "STOCK"
	busPrefix            = "acme.stock"
)

// bus is a NATS server with a stream, as docs/channels/cloudevents.md tells to set it up.
type bus struct {
	*testing.T
	server *server.Server
	admin  *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

// streamConfig is what the page recommends.
func streamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: busStream, Subjects: []string{busPrefix + ".>"}, MaxMsgsPerSubject: 1,
		Storage: jetstream.MemoryStorage, AllowDirect: true,
	}
}

// leastRights are what the page recommends, without some subjects.
func leastRights(denied ...string) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			busPrefix + ".>", "$JS.API.STREAM.INFO." + busStream,
			"$JS.API.STREAM.MSG.GET." + busStream, "$JS.API.DIRECT.GET." + busStream + ".>",
		}, Deny: denied},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// startBus starts a server, which a test may change first, with a stream; nil for none.
func startBus(t *testing.T, stream *jetstream.StreamConfig, change func(*server.Options)) *bus {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{
			{Username: busAdmin, Password: busAdmin},
			{Username: busUser, Password: busPassword, Permissions: leastRights()},
		},
	}
	if change != nil {
		change(opts)
	}
	b := &bus{T: t}
	var err error
	if b.server, err = server.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	b.server.Start()
	t.Cleanup(func() {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	})
	if !b.server.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	b.connect(opts, stream)
	return b
}

// connect connects the test itself, as an administrator.
func (b *bus) connect(opts *server.Options, stream *jetstream.StreamConfig) {
	b.Helper()
	options := []nats.Option{nats.InProcessServer(b.server)}
	if len(opts.Users) > 0 {
		options = append(options, nats.UserInfo(busAdmin, busAdmin))
	}
	if opts.Authorization != "" {
		options = append(options, nats.Token(opts.Authorization))
	}
	if opts.TLSConfig != nil {
		options = append(options, nats.Secure(&tls.Config{InsecureSkipVerify: true, Certificates: opts.TLSConfig.Certificates}))
	}
	var err error
	if b.admin, err = nats.Connect("", options...); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(b.admin.Close)
	if b.js, err = jetstream.New(b.admin); err != nil {
		b.Fatal(err)
	}
	if stream == nil {
		return
	}
	if b.stream, err = b.js.CreateStream(b.Context(), *stream); err != nil {
		b.Fatal(err)
	}
}

// patience bounds every wait of a test; it is never waited for in a test that passes.
const patience = 30 * time.Second

// config is that of a channel which reaches the server directly.
func (b *bus) config(mode inventoryv1alpha1.ChannelMode) channel.Config {
	cfg := natsConfig(b.server.ClientURL(), mode)
	cfg.Credentials = map[string][]byte{"username": []byte(busUser), "password": []byte(busPassword)}
	return cfg
}

func natsConfig(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		Type: inventoryv1alpha1.ChannelCloudEvents, Mode: mode,
		CloudEvents: &inventoryv1alpha1.CloudEventsChannel{NATS: &inventoryv1alpha1.CloudEventsNATS{
			Servers: []inventoryv1alpha1.NATSURL{inventoryv1alpha1.NATSURL(url)}, Stream: busStream, SubjectPrefix: busPrefix,
		}},
	}}
	ch.Namespace, ch.Name = "shop", "bus"
	return channel.Config{Channel: ch, Clock: clock.RealClock{}}
}

// build makes a connector that ends with the test.
func build(t *testing.T, cfg channel.Config) channel.Connector {
	t.Helper()
	connector, err := cloudevents.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := channel.Close(connector); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return connector
}

// last returns the last event of a subject; false for none.
func (b *bus) last(subject string) (event.Event, bool) {
	b.Helper()
	var e event.Event
	msg, err := b.stream.GetLastMsgForSubject(b.Context(), subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return e, false
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(msg.Data, &e); err != nil {
		b.Fatalf("%s holds %s: %v", subject, msg.Data, err)
	}
	return e, true
}

// quantity returns what the last event of a subject says.
func (b *bus) quantity(subject string) (int64, bool) {
	b.Helper()
	e, ok := b.last(subject)
	if !ok {
		return 0, false
	}
	var data cloudevents.Data
	if err := e.DataAs(&data); err != nil {
		b.Fatal(err)
	}
	return data.Quantity, true
}

// messages is how many messages the stream has ever taken.
func (b *bus) messages() uint64 {
	b.Helper()
	info, err := b.stream.Info(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return info.State.LastSeq
}
