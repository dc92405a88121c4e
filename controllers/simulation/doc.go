// Package simulation has no code but tests: they run replicas, leaders, an API server and channels in memory and
// in simulated time, disturb them at random, and check that the last acknowledged quantities are what the snapshots
// and the channels end with.
package simulation
