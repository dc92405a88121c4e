package syncstate

import (
	"slices"
	"strconv"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// NextEpochs returns the epochs of a Channel, the newest last, where it is pushed under settings whose
// digest is as given: those that its status has where the newest is of that digest. Otherwise a new one is
// added, which is to be stored before the first push under it. Affected are the Locations whose stock it shows
// differently; all of them where everything may be.
//
// The number of an epoch is the Channel's resourceVersion when it was made: that grows, also where a
// Channel is deleted and another one of its name is created.
func NextEpochs(ch *inventoryv1alpha1.Channel, digest string, affected []string, all bool) []inventoryv1alpha1.ChannelEpoch {
	epochs := ch.Status.Epochs
	last := int64(0)
	if n := len(epochs); n > 0 {
		if epochs[n-1].Digest == digest {
			return epochs
		}
		last = epochs[n-1].Number
	}
	if all || len(affected) > inventoryv1alpha1.MaxEpochLocations {
		affected = nil
	}
	revision, err := strconv.ParseInt(ch.ResourceVersion, 10, 64)
	if err != nil { // no API server says so
		revision = 0
	}
	out := append(slices.Clone(epochs), inventoryv1alpha1.ChannelEpoch{
		Number: max(last+1, revision), Digest: digest, Locations: affected,
	})
	if extra := len(out) - inventoryv1alpha1.MaxEpochs; extra > 0 {
		out = out[extra:]
	}
	return out
}

// present returns the number of the newest epoch; 0 without one.
func present(epochs []inventoryv1alpha1.ChannelEpoch) int64 {
	if len(epochs) == 0 {
		return 0
	}
	return epochs[len(epochs)-1].Number
}

// holds reports whether what was in step at a Location in an epoch is in step in the present one: no
// epoch since shows its stock differently. Of epochs that are not listed any more nothing is known.
func holds(epochs []inventoryv1alpha1.ChannelEpoch, number int64, location string) bool {
	if len(epochs) == 0 || number < epochs[0].Number || number > present(epochs) {
		return false
	}
	for i := range epochs {
		e := &epochs[i]
		if e.Number > number && (len(e.Locations) == 0 || slices.Contains(e.Locations, location)) {
			return false
		}
	}
	return true
}
