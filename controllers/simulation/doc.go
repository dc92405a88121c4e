// Package simulation has no code but a test: it runs replicas, leaders, an API server and channels in
// memory and in simulated time, disturbs them at random, and checks that the last acknowledged quantities
// are what the snapshots and the channels end with.
package simulation
