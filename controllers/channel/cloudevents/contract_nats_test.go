package cloudevents_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

func TestNATSContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory: func(cfg channel.Config) (channel.Connector, error) { return built(t, cfg) },
		Modes:   bothModes, Start: startStream, KeepsOrder: true,
		Cannot: []contract.Behaviour{contract.Throttle}, // JetStream does not say for how long
	})
}

// built closes the connector with the test.
func built(t *testing.T, cfg channel.Config) (channel.Connector, error) {
	connector, err := cloudevents.New(cfg)
	if err == nil {
		t.Cleanup(func() { _ = channel.Close(connector) })
	}
	return connector, err
}

// streamServer is a server whose wire plays the behaviours of the contract. The contract's refused SKU is
// one that the connector may not publish of.
type streamServer struct {
	*relay
	mode inventoryv1alpha1.ChannelMode
}

func startStream(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	stream := streamConfig()
	b := startBus(t, &stream, func(o *server.Options) {
		o.Users[1].Permissions = leastRights(busPrefix+"."+contract.Refused, busPrefix+".*."+contract.Refused)
	})
	p := &streamServer{startRelay(t, b, elsewhere), mode}
	cfg := b.config(mode)
	cfg.Channel.Spec.CloudEvents.NATS.Servers = []inventoryv1alpha1.NATSURL{inventoryv1alpha1.NATSURL(p.url())}
	return p, cfg
}

func (p *streamServer) Quantity(locationCode, sku string) (int64, bool) {
	return p.quantity(cloudevents.Subject(busPrefix, p.mode, channel.Item{SKU: sku, LocationCode: locationCode}))
}
