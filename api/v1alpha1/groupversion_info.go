// Package v1alpha1 holds the kinds of the API group inventory.tallyman.dev.
//
// Clients, Locations and Channels are declared by users; InventoryBatches are
// written by the ingress; InventorySnapshots and ChannelSyncJobs by controllers.
//
// +kubebuilder:object:generate=true
// +groupName=inventory.tallyman.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion identifies this version of the API.
	GroupVersion = schema.GroupVersion{Group: "inventory.tallyman.dev", Version: "v1alpha1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers every kind of this package.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&Client{}, &ClientList{},
		&Location{}, &LocationList{},
		&InventoryBatch{}, &InventoryBatchList{},
		&InventorySnapshot{}, &InventorySnapshotList{},
		&Channel{}, &ChannelList{},
		&ChannelSyncJob{}, &ChannelSyncJobList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
