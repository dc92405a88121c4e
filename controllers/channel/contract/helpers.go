package contract

import (
	"testing"

	"tallyman.dev/tallyman/controllers/channel"
)

// Build makes a connector, as New of its package does.
func Build(t testing.TB, factory channel.Factory, cfg channel.Config) channel.Connector {
	t.Helper()
	connector, err := factory(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return connector
}

// BuildReader makes a connector that can read its channel back.
func BuildReader(t testing.TB, factory channel.Factory, cfg channel.Config) channel.Reader {
	t.Helper()
	reader, ok := Build(t, factory, cfg).(channel.Reader)
	if !ok {
		t.Fatal("the connector cannot read its channel back")
	}
	return reader
}

// At is a quantity at a location.
func At(location, sku string, quantity int64) channel.Item {
	return channel.Item{SKU: sku, Quantity: quantity, LocationCode: location, LocationQuantity: quantity}
}

// WantError wants an error of a class with a reason.
func WantError(t testing.TB, err error, class channel.Class, reason string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s, %s", class, reason)
	}
	if e := channel.AsError(err); e.Class != class || string(e.Reason) != reason {
		t.Fatalf("error of class %s: %v, want %s, %s", e.Class, err, class, reason)
	}
}

// WantPushError wants a call to fail as a whole, by an error of a class with a reason.
func WantPushError(t testing.TB, c channel.Connector, b channel.Batch, class channel.Class, reason string) {
	t.Helper()
	_, err := c.Push(t.Context(), b)
	WantError(t, err, class, reason)
}

// Pushed pushes, and returns class and reason of the items that failed, by index.
func Pushed(t testing.TB, c channel.Connector, b channel.Batch) map[int]string {
	t.Helper()
	result, err := c.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	return Reasons(result.Failures)
}

// Reasons are class and reason of failures, by index. They are never nil.
func Reasons(failures map[int]*channel.Error) map[int]string {
	out := map[int]string{}
	for i, failure := range failures {
		out[i] = string(failure.Class) + " " + string(failure.Reason)
	}
	return out
}

// ReasonsBySKU are class and reason of failures, by the SKU of the item. They are never nil.
func ReasonsBySKU(b channel.Batch, failures map[int]*channel.Error) map[string]string {
	out := map[string]string{}
	for i, reason := range Reasons(failures) {
		out[b.Items[i].SKU] = reason
	}
	return out
}
