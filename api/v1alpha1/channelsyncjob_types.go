package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxJobItems is the most items that one ChannelSyncJob freezes.
const MaxJobItems = 1000

// Reasons of the Ready condition of a ChannelSyncJob.
const (
	// JobSucceeded means that the channel confirmed every item.
	JobSucceeded = "Succeeded"
	// JobPartiallyFailed means that the channel confirmed some items.
	JobPartiallyFailed = "PartiallyFailed"
	// JobFailed means that the channel confirmed no item.
	JobFailed = "Failed"
	// JobRunning means that the run is under way.
	JobRunning = "Running"
	// JobSuperseded means that the run was cut off; a later job pushes present quantities.
	JobSuperseded = "Superseded"
)

// ChannelSyncJobSpec is what one run pushes, frozen when it starts.
type ChannelSyncJobSpec struct {
	// channelRef names the Channel.
	// +required
	ChannelRef NameRef `json:"channelRef,omitempty,omitzero"`

	// mode is the channel's mode when the items were frozen.
	// +required
	Mode ChannelMode `json:"mode,omitempty"`

	// items are the quantities to push.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Items []SyncItem `json:"items,omitempty"`
}

// SyncItem is one quantity to push.
type SyncItem struct {
	// sku is the SKU.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	SKU string `json:"sku,omitempty"`

	// locationName names the Location; absent in Consolidated mode.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	LocationName string `json:"locationName,omitempty"`

	// quantity is the absolute quantity.
	// +required
	// +kubebuilder:validation:Minimum=0
	Quantity int64 `json:"quantity"`
}

// ChannelSyncJobStatus is what became of a run.
// +kubebuilder:validation:MinProperties=1
type ChannelSyncJobStatus struct {
	// conditions of the run: Ready tells the outcome by its reason.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that the status speaks of.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// startTime is when the run began.
	// +optional
	StartTime *metav1.MicroTime `json:"startTime,omitempty"`

	// completionTime is when the run ended, however it did.
	// +optional
	CompletionTime *metav1.MicroTime `json:"completionTime,omitempty"`

	// runCount is the number of runs that the record tells of.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RunCount *int32 `json:"runCount,omitempty"`

	// syncedCount is the number of items that the channel confirmed.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SyncedCount *int32 `json:"syncedCount,omitempty"`

	// retryCount is the number of items that a later job tries again.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RetryCount *int32 `json:"retryCount,omitempty"`

	// failedCount is the number of items that the channel refused.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FailedCount *int32 `json:"failedCount,omitempty"`

	// failures are the first items that were not confirmed, with the reason.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Failures []ItemFailure `json:"failures,omitempty"`
}

// ItemFailure says why an item was not confirmed.
type ItemFailure struct {
	// sku is the SKU.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	SKU string `json:"sku,omitempty"`

	// locationName names the Location; absent in Consolidated mode.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	LocationName string `json:"locationName,omitempty"`

	// reason is a CamelCase word for programs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message is for people; what a channel said is cut at 300 characters.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=tmjob,categories=tallyman;tallyman-all
// +kubebuilder:selectablefield:JSONPath=`.spec.channelRef.name`
// +kubebuilder:printcolumn:name="Channel",type=string,JSONPath=`.spec.channelRef.name`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Synced",type=integer,JSONPath=`.status.syncedCount`
// +kubebuilder:printcolumn:name="Retry",type=integer,JSONPath=`.status.retryCount`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.failedCount`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`

// ChannelSyncJob is one run against one channel.
type ChannelSyncJob struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is frozen when the run starts.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: a run is frozen when it starts"
	Spec ChannelSyncJobSpec `json:"spec,omitempty,omitzero"`

	// status is the outcome.
	// +optional
	// +default={"observedGeneration":-1}
	Status ChannelSyncJobStatus `json:"status,omitempty,omitzero"`
}

// +kubebuilder:object:root=true

// ChannelSyncJobList is a list of ChannelSyncJobs.
type ChannelSyncJobList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ChannelSyncJob `json:"items"`
}

// Finished reports whether the run has ended, however it did.
func (j *ChannelSyncJob) Finished() bool { return j.Status.CompletionTime != nil }
