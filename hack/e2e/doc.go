// Package e2e tests the manager as a process, on a real control plane: what a person sees who
// sends batches, kills processes and looks at objects.
package e2e
