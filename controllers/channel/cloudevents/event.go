package cloudevents

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// EventType is the type of every event. Its data is described by docs/channels/cloudevents.schema.json.
	EventType = "dev.tallyman.inventory.quantity.set.v1"

	// SequenceExtension and partitionExtension are documented extensions of CloudEvents. Sequences
	// compare as strings.
	SequenceExtension  = "sequence"
	partitionExtension = "partitionkey"
)

// Data is what an event says.
type Data struct {
	// SKU as the channel calls it.
	SKU string `json:"sku"`
	// LocationCode is absent where Quantity is the sum over all locations.
	LocationCode string `json:"locationCode,omitempty"`
	// Quantity in sale units.
	Quantity int64 `json:"quantity"`
	// Sequence is that of the event: of two with the same source and subject, the one whose sequence sorts behind
	// the other's, as a string, counts.
	Sequence string `json:"sequence"`
}

// eventNamespace is that of the ids of events.
var eventNamespace = uuid.MustParse("0d7a6d0e-7c38-4c3a-9a10-3c1a5d3c8f52")

// writer makes events of one source.
type writer struct {
	source string
	clock  clock.PassiveClock
}

func newWriter(cfg channel.Config) writer {
	source := cfg.Channel.Spec.CloudEvents.Source
	if source == "" {
		source = fmt.Sprintf("/apis/%s/namespaces/%s/channels/%s",
			inventoryv1alpha1.GroupVersion, cfg.Channel.Namespace, cfg.Channel.Name)
	}
	return writer{source, cfg.Clock}
}

// event makes the event of an item. Its id stays the same when the item is pushed again as it is, and
// is another one for any other sequence or quantity.
func (w writer) event(mode inventoryv1alpha1.ChannelMode, it channel.Item) (event.Event, error) {
	data := Data{SKU: it.SKU, LocationCode: channel.LocationOf(mode, it, ""), Quantity: it.Quantity, Sequence: it.Sequence}
	subject := "skus/" + url.PathEscape(it.SKU)
	if data.LocationCode != "" {
		subject = "locations/" + url.PathEscape(data.LocationCode) + "/" + subject
	}
	e := event.New()
	e.SetID(uuid.NewSHA1(eventNamespace, fmt.Appendf(nil, "%q %q %q %d", w.source, subject, it.Sequence, it.Quantity)).String())
	e.SetSource(w.source)
	e.SetType(EventType)
	e.SetSubject(subject)
	e.SetTime(w.clock.Now())
	e.SetExtension(SequenceExtension, it.Sequence)
	e.SetExtension(partitionExtension, subject)
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return e, invalidEvent(err)
	}
	if err := e.Validate(); err != nil {
		return e, invalidEvent(err)
	}
	return e, nil
}

// encode returns the structured form of what an item is told as.
func (w writer) encode(mode inventoryv1alpha1.ChannelMode, it channel.Item) (event.Event, []byte, error) {
	e, err := w.event(mode, it)
	if err != nil {
		return e, nil, err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return e, nil, invalidEvent(err)
	}
	return e, raw, nil
}

// invalidEvent is about what the spec says, as every SKU and location makes a valid event.
func invalidEvent(err error) error {
	return channel.NewError(channel.Terminal, reasonInvalidEvent, "spec.cloudEvents makes no valid events: "+err.Error())
}
