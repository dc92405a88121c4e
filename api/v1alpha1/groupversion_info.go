// Package v1alpha1 holds the kinds of the API group inventory.tallyman.dev.
//
// Clients, Locations and Channels are declared by users; InventorySnapshots are
// written by the ingress; InventorySlices and ChannelSyncJobs by controllers.
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
		&InventorySnapshot{}, &InventorySnapshotList{},
		&InventorySlice{}, &InventorySliceList{},
		&Channel{}, &ChannelList{},
		&ChannelSyncJob{}, &ChannelSyncJobList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
