package channel

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// LocationOf returns the code of the location that a channel is told an item's quantity for: the item's own in
// LocationWise mode. In Consolidated mode it is sums, what the channel calls the location that takes the sums
// over all locations; empty for a channel that has one quantity of a SKU.
func LocationOf(mode inventoryv1alpha1.ChannelMode, it Item, sums string) string {
	if mode == inventoryv1alpha1.Consolidated {
		return sums
	}
	return it.LocationCode
}

// LocationOf returns the location of an item of the batch.
func (b Batch) LocationOf(it Item, sums string) string { return LocationOf(b.Mode, it, sums) }

// OneLocation returns the location of all items of a batch, for a channel whose Limits say OneLocationPerCall. Its
// error, of class Terminal, is about a caller that minds no limits: one location's stock would overwrite
// another's.
func (b Batch) OneLocation(sums string) (string, error) {
	code := b.LocationOf(b.Items[0], sums)
	for _, it := range b.Items {
		if b.LocationOf(it, sums) != code {
			return "", NewError(Terminal, ReasonInvalidBatch, "items of several locations in one call")
		}
	}
	return code, nil
}

// CheckSums wants a location that takes the sums of Consolidated mode, of a channel that has quantities at locations
// only. Field is where the spec names it. Its error is an *Error of class Terminal.
func (c Config) CheckSums(field, location string) error {
	if c.Channel.Spec.Mode == inventoryv1alpha1.Consolidated && location == "" {
		return InvalidSpec(field + " must be set in Consolidated mode: the channel has quantities at locations only")
	}
	return nil
}

// InvalidSpec is the error of a spec that a connector cannot be built from. The message names the field and the
// rule.
func InvalidSpec(message string) *Error { return NewError(Terminal, ReasonInvalidSpec, message) }
