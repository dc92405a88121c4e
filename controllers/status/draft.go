package status

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Draft is the status of an object while a reconciler fills it in, with what people are to be told once it
// is stored.
type Draft struct {
	object, before client.Object
	conditions     *[]metav1.Condition
	was            []metav1.Condition
	observed       **int64
	announcements  []Announcement
	events         []Event
}

// Event is something that people are told.
type Event struct {
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning.
	Type string
	// Reason and Action are in CamelCase: what happened, and what was being done.
	Reason, Action string
	Message        string
}

// Announcement has people told when a condition turns False, or is False for another reason, by a warning
// with the condition's reason; and when it is True again.
type Announcement struct {
	// Condition is the condition's type, Action what finds out about it.
	Condition, Action string
	// Recovered is the reason of the event that tells that it is True again; the condition's own unless set.
	Recovered string
}

// Begin drafts the status of an object as it was read, of which the conditions and observedGeneration are
// pointed to. Its other status fields may be changed until the draft is written.
func Begin(object client.Object, conditions *[]metav1.Condition, observed **int64) *Draft {
	d := &Draft{
		object: object, before: object.DeepCopyObject().(client.Object), //nolint:forcetypeassert // a copy has the same type
		conditions: conditions, observed: observed,
	}
	for _, c := range *conditions {
		d.was = append(d.was, *c.DeepCopy())
	}
	return d
}

// Summarize sets the conditions that every kind has, and observedGeneration.
func (d *Draft) Summarize(s Summary) {
	generation := d.object.GetGeneration()
	s.Apply(d.conditions, generation)
	*d.observed = &generation
}

// Set sets a condition beside those, as found of the object's present generation.
func (d *Draft) Set(c metav1.Condition) {
	c.ObservedGeneration = d.object.GetGeneration()
	apimeta.SetStatusCondition(d.conditions, c)
}

// AnnounceReady adds the events of the condition Ready.
func (d *Draft) AnnounceReady(action string) {
	d.Announce(Announcement{Condition: inventoryv1alpha1.ReadyCondition, Action: action, Recovered: "Recovered"})
}

// Announce adds the events of a condition, whenever it is set.
func (d *Draft) Announce(a Announcement) { d.announcements = append(d.announcements, a) }

// Tell adds an event of something else that the draft changes.
func (d *Draft) Tell(e Event) { d.events = append(d.events, e) }

// due returns all events of the draft as it is now.
func (d *Draft) due() []Event {
	out := slices.Clone(d.events)
	for _, a := range d.announcements {
		was, is := apimeta.FindStatusCondition(d.was, a.Condition), apimeta.FindStatusCondition(*d.conditions, a.Condition)
		if e, ok := a.event(was, is); ok {
			out = append(out, e)
		}
	}
	return out
}

// event returns what is told of a condition that was and is, each of which may be nil.
func (a Announcement) event(was, is *metav1.Condition) (Event, bool) {
	if is == nil {
		return Event{}, false
	}
	failed := was != nil && was.Status == metav1.ConditionFalse
	e := Event{Type: corev1.EventTypeWarning, Reason: is.Reason, Action: a.Action, Message: is.Message}
	switch is.Status {
	case metav1.ConditionFalse:
		return e, !failed || was.Reason != is.Reason
	case metav1.ConditionTrue:
		e.Type = corev1.EventTypeNormal
		if a.Recovered != "" {
			e.Reason = a.Recovered
		}
		return e, failed
	}
	return Event{}, false
}
